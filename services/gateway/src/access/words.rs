/// Defines a closed list of words: the number on the wire, and the code in forms and addresses.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $number:literal, $code:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum $name { $($(#[$what])* $variant = $number,)+ }

        impl $name {
            /// Every word of the list, in its order.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number on the wire; never 0.
            pub(crate) const fn number(self) -> i32 {
                self as i32
            }

            /// The code in forms and addresses.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The word of a number on the wire.
            pub(crate) fn numbered(number: i32) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.number() == number)
            }

            /// The word of a code.
            pub(crate) fn coded(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.code() == code)
            }
        }
    };
}

words! {
    /// What a member of staff is; one person may be several.
    Role {
        /// Takes calls.
        Operator = 1, "operator";
        /// Receives people and papers, and finds the unit where the rules do not.
        Desk = 2, "desk";
        /// Does the work.
        Unit = 3, "unit";
        /// Answers for all of it.
        Supervisor = 4, "supervisor";
        /// Looks, and changes nothing.
        Auditor = 5, "auditor";
        /// Gives others their rights, and keeps the directory.
        Admin = 6, "admin";
    }
}

words! {
    /// What a key lets a program do.
    Scope {
        /// File requests.
        File = 1, "file";
        /// Read facts.
        Read = 2, "read";
        /// Read personal data.
        ReadPersonal = 3, "read-personal";
        /// Work on requests.
        Work = 4, "work";
        /// Define units and topics.
        Directory = 5, "directory";
        /// Import with original times.
        Import = 6, "import";
        /// Manage webhooks.
        Webhooks = 7, "webhooks";
    }
}
