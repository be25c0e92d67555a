//! Where the processors' time went: of each process of the centre, and of this program's own threads (Linux).

use std::{collections::BTreeMap, fs, path::Path};

/// Ticks of `/proc` in a second, on every Linux that is in use.
const TICKS: f64 = 100.0;

/// Seconds of processor time by who used them.
pub(crate) type Used = BTreeMap<String, f64>;

/// What these processes and this one's collector of traces have used so far.
pub(crate) fn used(processes: &[(String, Vec<u32>)]) -> Used {
    let mut used = Used::new();
    for (name, pids) in processes {
        let seconds = pids.iter().map(|pid| process(*pid)).sum::<f64>();
        *used.entry(name.clone()).or_default() += seconds;
    }
    for task in fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten()
    {
        let (name, seconds) = stat(&task.path().join("stat"), 2);
        if name == "collector" {
            *used.entry(name).or_default() += seconds;
        }
    }
    used
}

/// What was used between two looks, per request, in milliseconds; who used next to nothing is left out.
pub(crate) fn per_request(before: &Used, after: &Used, requests: usize) -> Used {
    #[expect(clippy::cast_precision_loss, reason = "thousands of requests")]
    let requests = requests.max(1) as f64;
    let spent = after.iter().map(|(name, seconds)| {
        let spent = seconds - before.get(name).copied().unwrap_or_default();
        (name.clone(), spent.max(0.0) * 1_000.0 / requests)
    });
    spent.filter(|(_, spent)| *spent >= 0.000_5).collect()
}

/// With its children that have ended.
fn process(pid: u32) -> f64 {
    stat(Path::new(&format!("/proc/{pid}/stat")), 4).1
}

/// The name, and the sum of the first `fields` of user, system, children's user, children's system time.
fn stat(file: &Path, fields: usize) -> (String, f64) {
    let text = fs::read_to_string(file).unwrap_or_default();
    let (name, rest) = text.rsplit_once(") ").unwrap_or_default();
    let name = name.split_once('(').map_or("", |(_, name)| name);
    let times = rest.split(' ').skip(11).take(fields);
    let ticks: f64 = times.filter_map(|it| it.parse::<f64>().ok()).sum();
    (name.to_owned(), ticks / TICKS)
}
