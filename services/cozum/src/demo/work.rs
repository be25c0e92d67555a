//! What the units did with a request, step by step.

use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date};
use vocabulary::{RequestState, SubResult};

use super::{
    random::Random,
    story::{Calendar, Directory, desk, hours},
    texts,
};

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) act: Act,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    Accept,
    Assign(String),
    Start,
    Plan(Date),
    Return(String),
    Route(String),
    Refer(String, String),
    Conclude(Conclusion),
    Reopen(String),
    /// A question to the citizen.
    Ask(String),
    /// What the citizen writes.
    Write(String),
    /// A remark that staff leave for each other.
    Comment(String),
}

/// How it was concluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conclusion {
    pub(super) sub_result: SubResult,
    pub(super) answer: String,
    /// The index of the request that this one repeats.
    pub(super) original: Option<u32>,
    pub(super) visited_at: Option<Timestamp>,
}

/// A request's steps while they are written.
struct Work<'a> {
    random: &'a mut Random,
    unit: String,
    now: Timestamp,
    steps: Vec<Step>,
}

impl Work<'_> {
    fn then(&mut self, from: u32, to: u32, act: Act) {
        let staff = format!("staff:{}-{}", self.unit, self.random.between(1, 6));
        self.by(staff, from, to, act);
    }

    fn by(&mut self, actor: String, from: u32, to: u32, act: Act) {
        self.now += hours(self.random, from, to);
        self.steps.push(Step {
            at: self.now,
            actor,
            act,
        });
    }

    fn accept(&mut self) {
        self.then(1, 20, Act::Accept);
    }

    fn assign(&mut self) {
        let crew = format!("{}-ekip-{}", self.unit, self.random.between(1, 5));
        self.then(1, 24, Act::Assign(crew));
    }

    fn ask(&mut self) {
        let question = texts::question(self.random);
        self.then(1, 20, Act::Ask(question));
    }

    fn returned(&mut self) {
        let note = texts::return_note(self.random);
        self.then(1, 12, Act::Return(note));
    }

    fn refer(&mut self, directory: &Directory) {
        if let Some(institution) = pick(self.random, &directory.outside) {
            let note = texts::referral_note(self.random);
            self.then(2, 30, Act::Refer(institution, note));
        }
    }
}

/// The steps that lead to an ending, after the topic's rule has routed it; all of them before the story's end.
#[expect(clippy::too_many_arguments, reason = "a story has many sides")]
pub(super) fn steps(
    random: &mut Random,
    index: u32,
    registered: Timestamp,
    ending: RequestState,
    sub_result: SubResult,
    unit: &str,
    directory: &Directory,
    calendar: &Calendar,
) -> Vec<Step> {
    let mut work = Work {
        random,
        unit: unit.to_owned(),
        now: registered,
        steps: vec![],
    };
    match ending {
        RequestState::Registered | RequestState::Routed => {}
        RequestState::Returned => work.returned(),
        RequestState::Accepted => work.accept(),
        RequestState::Assigned => {
            work.accept();
            work.assign();
        }
        RequestState::InProgress => {
            work.accept();
            // Some had to be asked where it is before anybody could go there.
            if index % 4 == 1 {
                work.ask();
                let answer = texts::citizens_answer(work.random);
                work.by("citizen".to_owned(), 1, 48, Act::Write(answer));
            }
            work.assign();
            let comment = texts::comment(work.random);
            work.then(1, 10, Act::Comment(comment));
            work.then(2, 40, Act::Start);
        }
        RequestState::WaitingCitizen => {
            work.accept();
            work.ask();
        }
        RequestState::Planned => {
            work.accept();
            let date = calendar
                .day
                .saturating_add(i64::from(work.random.between(3, 60)).days());
            work.then(2, 40, Act::Plan(date));
        }
        RequestState::Referred => work.refer(directory),
        RequestState::Concluded => concluded(&mut work, index, sub_result, directory),
        RequestState::Reopened => {
            concluded(&mut work, index, SubResult::Solved, directory);
            let note = texts::reopening_note(work.random);
            work.by("citizen".to_owned(), 5, 72, Act::Reopen(note));
        }
    }
    let mut steps = work.steps;
    squeeze(&mut steps, registered, calendar.end());
    settle_visits(&mut steps);
    steps
}

fn concluded(work: &mut Work<'_>, index: u32, sub_result: SubResult, directory: &Directory) {
    // Now and then it went to the wrong unit first.
    if index % 23 == 5
        && let Some(other) = pick(work.random, &directory.units)
        && other != work.unit
    {
        work.returned();
        let actor = desk(work.random);
        work.by(actor, 1, 20, Act::Route(other.clone()));
        work.unit = other;
    }
    match sub_result {
        SubResult::InformationGiven
        | SubResult::Unfounded
        | SubResult::BeforeCourt
        | SubResult::Duplicate => {
            work.accept();
        }
        SubResult::OutOfAuthority => work.refer(directory),
        SubResult::Solved
        | SubResult::PartlySolved
        | SubResult::Refused
        | SubResult::NotFound
        | SubResult::NotStated => {
            work.accept();
            work.assign();
            work.then(2, 48, Act::Start);
        }
    }
    let conclusion = Conclusion {
        sub_result,
        answer: texts::answer(work.random, sub_result),
        // An earlier one: of the first request there is no earlier one, but it is no duplicate either.
        original: (sub_result == SubResult::Duplicate).then_some(index / 2),
        visited_at: None,
    };
    work.then(3, 96, Act::Conclude(conclusion));
}

/// Moves steps closer together where they would not fit before the end.
fn squeeze(steps: &mut [Step], from: Timestamp, end: Timestamp) {
    let Some(last) = steps.last().map(|it| it.at) else {
        return;
    };
    let room = end.duration_since(from).as_secs() * 95 / 100;
    let needed = last.duration_since(from).as_secs();
    if needed <= room {
        return;
    }
    for step in steps {
        let after = step.at.duration_since(from).as_secs() * room / needed;
        step.at = from + SignedDuration::from_secs(after);
    }
}

/// Where nothing was found, somebody looked half an hour before.
fn settle_visits(steps: &mut [Step]) {
    for step in steps {
        if let Act::Conclude(conclusion) = &mut step.act
            && conclusion.sub_result == SubResult::NotFound
        {
            conclusion.visited_at = Some(step.at - SignedDuration::from_mins(30));
        }
    }
}

fn pick(random: &mut Random, from: &[String]) -> Option<String> {
    if from.is_empty() {
        None
    } else {
        Some(random.pick(from).clone())
    }
}
