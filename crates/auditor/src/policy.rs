//! Whose word is asked for beside the log's own: a trust policy (C2SP tlog-policy), as a file or as a few witnesses.

use std::collections::{BTreeMap, BTreeSet};

use crate::note::{Key, WitnessKey};

/// Which logs, which witnesses, and how many of these must have cosigned a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    pub(crate) logs: Vec<Key>,
    pub(crate) witnesses: Vec<WitnessKey>,
    groups: Vec<Group>,
    quorum: Option<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    needed: usize,
    members: Vec<Member>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// What is wrong with a policy, and in which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct NoPolicy {
    /// Counted from 1; behind the last line where something is missing.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// The lines that were read so far.
#[derive(Default)]
struct Reading<'a> {
    policy: Policy,
    names: BTreeMap<&'a [u8], Member>,
    grouped: BTreeSet<&'a [u8]>,
    has_quorum: bool,
}

impl Policy {
    /// That each of these has cosigned.
    #[must_use]
    pub fn all_of(witnesses: Vec<WitnessKey>) -> Self {
        let members = (0..witnesses.len()).map(Member::Witness);
        let group = Group {
            needed: witnesses.len(),
            members: members.collect(),
        };
        Self {
            logs: vec![],
            witnesses,
            groups: vec![group],
            quorum: Some(Member::Group(0)),
        }
    }

    /// Reads a policy file. Names are bytes, as the specification has it.
    pub fn read(file: &[u8]) -> Result<Self, NoPolicy> {
        let mut reading = Reading::default();
        let mut count = 0;
        for (line, at) in file.split(|it| *it == b'\n').zip(1..) {
            count = at;
            let wrong = |problem| NoPolicy { line: at, problem };
            if line
                .iter()
                .any(|it| (*it < b' ' && *it != b'\t') || *it == 0x7f)
            {
                return Err(wrong("has a control character"));
            }
            let words = line.split(|it| matches!(it, b' ' | b'\t'));
            let words: Vec<&[u8]> = words.filter(|it| !it.is_empty()).collect();
            if words.first().is_some_and(|it| !it.starts_with(b"#")) {
                reading.line(&words).map_err(wrong)?;
            }
        }
        if reading.has_quorum {
            Ok(reading.policy)
        } else {
            Err(NoPolicy {
                line: count,
                problem: "the quorum is missing",
            })
        }
    }

    /// Whether any cosignature is asked for.
    pub(crate) fn asks(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether these witnesses, by their place in the list, are enough.
    pub(crate) fn is_met(&self, has: &impl Fn(usize) -> bool) -> bool {
        self.quorum.is_none_or(|it| self.witnessed(it, has))
    }

    fn witnessed(&self, member: Member, has: &impl Fn(usize) -> bool) -> bool {
        match member {
            Member::Witness(at) => has(at),
            Member::Group(at) => self.groups.get(at).is_some_and(|group| {
                let members = group.members.iter();
                members.filter(|it| self.witnessed(**it, has)).count() >= group.needed
            }),
        }
    }
}

impl<'a> Reading<'a> {
    fn line(&mut self, words: &[&'a [u8]]) -> Result<(), &'static str> {
        match words {
            [b"log", key] | [b"log", key, _] => self.log(key),
            [b"witness", name, key] | [b"witness", name, key, _] => self.witness(name, key),
            [b"group", name, needed, members @ ..] => self.group(name, needed, members),
            [b"quorum", name] => self.quorum(name),
            _ => Err("is no line of a policy"),
        }
    }

    fn log(&mut self, key: &[u8]) -> Result<(), &'static str> {
        let key = str::from_utf8(key)
            .ok()
            .and_then(|it| it.parse::<Key>().ok());
        let key = key.ok_or("has a log's key that this auditor does not know: Ed25519 alone")?;
        if self.policy.logs.iter().any(|it| it.is_same(&key)) {
            return Err("names a log's key again");
        }
        self.policy.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &'a [u8], key: &[u8]) -> Result<(), &'static str> {
        let key = str::from_utf8(key).ok();
        let key = key.and_then(|it| it.parse::<WitnessKey>().ok());
        let key =
            key.ok_or("has a witness's key that this auditor does not know: cosignature/v1 alone")?;
        if self.policy.witnesses.iter().any(|it| it.is_same(&key)) {
            return Err("names a witness's key again");
        }
        self.define(name, Member::Witness(self.policy.witnesses.len()))?;
        self.policy.witnesses.push(key);
        Ok(())
    }

    fn group(
        &mut self,
        name: &'a [u8],
        needed: &[u8],
        members: &[&'a [u8]],
    ) -> Result<(), &'static str> {
        let needed = match needed {
            b"any" => 1,
            b"all" => members.len(),
            digits => {
                let plain = digits.iter().all(u8::is_ascii_digit);
                let number = str::from_utf8(digits).ok().filter(|_| plain);
                let number = number.and_then(|it| it.parse().ok());
                number.ok_or("has a threshold that is none")?
            }
        };
        if needed == 0 || needed > members.len() {
            return Err("asks for fewer than one of its members, or for more than all");
        }
        let known: Result<Vec<Member>, _> = members
            .iter()
            .map(|it| {
                let member = self
                    .names
                    .get(it)
                    .ok_or("has a member that is not defined above");
                let first = self.grouped.insert(it);
                member.copied().and_then(|it| {
                    first
                        .then_some(it)
                        .ok_or("has a member that is one already")
                })
            })
            .collect();
        self.define(name, Member::Group(self.policy.groups.len()))?;
        self.policy.groups.push(Group {
            needed,
            members: known?,
        });
        Ok(())
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        if std::mem::replace(&mut self.has_quorum, true) {
            return Err("is a second quorum");
        }
        if name != b"none" {
            let member = self.names.get(name);
            self.policy.quorum = Some(*member.ok_or("has a quorum that is not defined above")?);
        }
        Ok(())
    }

    fn define(&mut self, name: &'a [u8], member: Member) -> Result<(), &'static str> {
        if name == b"none" || self.names.insert(name, member).is_some() {
            return Err("defines a name that is taken");
        }
        Ok(())
    }
}
