//! `cargo xtask aics-tlog`: a demo city of its own, and aics-tlog (PyPI), others' verifier of transparency logs, which checks
//! what the city publishes and must refuse it once a byte of it is another one (`check_log.py`).
//!
//! It needs Python 3.12 or newer. Where there is none and none can be had, the check is skipped, and says so.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{city::City, command, places, wheels};

const OLDEST: (u32, u32) = (3, 12);
/// What uv gets where there is none.
const WANTED: &str = "3.13";

/// Builds, starts, checks, and stops again.
pub(crate) fn run() -> anyhow::Result<()> {
    let Some((python, version)) = installed().or_else(fetched) else {
        println!(
            "xtask: aics-tlog: SKIPPED, NOTHING WAS CHECKED: it needs Python {}.{}, which is neither here nor to be had",
            OLDEST.0, OLDEST.1
        );
        return Ok(());
    };
    println!(
        "xtask: Python {}.{} at {}",
        version.0,
        version.1,
        python.display()
    );
    let folder = format!("aics-tlog-{}.{}", version.0, version.1);
    let tool = wheels::fetch_for(&python, "aics-tlog", &folder)?;
    let city = City::start("aics-tlog")?;
    let mut checking = Command::new(&python);
    checking
        .current_dir(places::target())
        .env("PYTHONPATH", &tool)
        .env("PYTHONUNBUFFERED", "1")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/check_log.py"))
        .arg(&city.origin)
        .arg(City::program());
    command::done(&mut checking)
}

/// A Python that is here: on the path, or one of pyenv's.
fn installed() -> Option<(PathBuf, (u32, u32))> {
    let named = ["python3.14", "python3.13", "python3.12", "python3"];
    let on_path = named.into_iter().flat_map(places::on_path);
    let home = env::var_os("HOME").map(|it| Path::new(&it).join(".pyenv"));
    let pyenv = env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
    let versions = pyenv.and_then(|it| std::fs::read_dir(it.join("versions")).ok());
    let of_pyenv = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|it| it.path().join("bin/python3"));
    on_path.chain(of_pyenv).find_map(new_enough)
}

/// One that uv gets, from where it gets them.
fn fetched() -> Option<(PathBuf, (u32, u32))> {
    println!(
        "xtask: no Python {}.{} here: asking uv for one",
        OLDEST.0, OLDEST.1
    );
    let uv = wheels::fetch("uv").ok()?.join("bin/uv");
    let asked = |args: &[&str]| {
        let output = Command::new(&uv)
            .env("UV_PYTHON_INSTALL_DIR", places::tool("python"))
            .args(args)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    asked(&["python", "install", "--no-bin", WANTED])?;
    let args = ["python", "find", "--managed-python", WANTED];
    new_enough(PathBuf::from(asked(&args)?))
}

fn new_enough(python: PathBuf) -> Option<(PathBuf, (u32, u32))> {
    let ask = "import pip, sys; print(*sys.version_info[:2])";
    let said = command::asked(&python, &["-c", ask])?;
    let (major, minor) = said.trim().split_once(' ')?;
    let version = (major.parse().ok()?, minor.parse().ok()?);
    (version >= OLDEST).then_some((python, version))
}
