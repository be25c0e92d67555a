//! What an auditor is told.

use std::fmt;

/// What is wrong, and from where on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The first position that is not as it was.
    pub position: u64,
    /// What is wrong with it.
    pub problem: String,
}

impl Finding {
    pub(crate) fn at(position: u64, problem: impl Into<String>) -> Self {
        Self {
            position,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {}: {}", self.position, self.problem)
    }
}

/// What holds, what nobody can claim from what was given, and the first thing that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What was checked and holds.
    pub holds: Vec<String>,
    /// What this check cannot tell, and what would.
    pub unclaimed: Vec<String>,
    /// The first thing that is wrong.
    pub finding: Option<Finding>,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.finding.is_none()
    }
}

impl fmt::Display for Report {
    /// One line each; where something is wrong, the last line says what and where.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.holds {
            writeln!(f, "holds: {line}")?;
        }
        for line in &self.unclaimed {
            writeln!(f, "not claimed: {line}")?;
        }
        match &self.finding {
            Some(finding) => writeln!(f, "{finding}"),
            None => writeln!(f, "all of it holds"),
        }
    }
}
