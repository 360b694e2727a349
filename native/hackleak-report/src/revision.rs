//! Which commit was checked out where a process worked, when it began.
//!
//! Reports are often made later, and the folder may be at another commit by then. So it is not
//! `HEAD` that counts but its history, where Git notes when `HEAD` came to what. Names and
//! messages of that history go nowhere: what is taken is a number in hexadecimal digits.

use std::path::{Path, PathBuf};

use crate::input;

/// The commit at which the repository around `folder` was at `unix_ns`; `None` where there is no
/// repository, or its history does not reach back so far.
pub(crate) fn at(folder: &Path, unix_ns: u64) -> Option<String> {
    if !folder.is_absolute() {
        return None;
    }
    let git = folder.ancestors().find_map(git_folder)?;
    let history = input::text(&git.join("logs/HEAD")).ok()?;
    commit(&history, unix_ns / 1_000_000_000)
}

/// The folder with the data of the repository whose files are in `folder`.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    // A worktree, or a submodule.
    let text = input::text(&git).ok()?;
    Some(folder.join(text.strip_prefix("gitdir: ")?.trim_end()))
}

/// The commit that was newest at `seconds` since 1970, in the lines
/// `OLD NEW NAME <ADDRESS> SECONDS ZONE<tab>MESSAGE`.
fn commit(history: &str, seconds: u64) -> Option<String> {
    let moves = history.lines().filter_map(|line| {
        let (about, _) = line.split_once('\t').unwrap_or((line, ""));
        let new = about.split(' ').nth(1)?;
        let time: u64 = about.rsplit(' ').nth(1)?.parse().ok()?;
        let is_commit = matches!(new.len(), 40 | 64) && new.bytes().all(|b| b.is_ascii_hexdigit());
        is_commit.then_some((time, new))
    });
    let before = moves.take_while(|(time, _)| *time <= seconds);
    before.last().map(|(_, new)| new.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "1111111111111111111111111111111111111111";
    const SECOND: &str = "2222222222222222222222222222222222222222";

    fn history() -> String {
        let nothing = "0".repeat(40);
        format!(
            "{nothing} {FIRST} A. Person <a@b.c> 1000 +0200\tcommit (initial): 9999 x\n\
             {FIRST} {SECOND} A. Person <a@b.c> 2000 +0200\tcheckout: moving\n"
        )
    }

    #[test]
    fn what_was_checked_out_then_counts_not_what_is_now() {
        for (seconds, expected) in [
            (999, None),
            (1000, Some(FIRST)),
            (1999, Some(FIRST)),
            (2000, Some(SECOND)),
            (9000, Some(SECOND)),
        ] {
            assert_eq!(commit(&history(), seconds).as_deref(), expected);
        }
        assert_eq!(commit("x", 9000), None);
        assert_eq!(commit("a <script> b 1 +0\t", 9000), None);
    }

    #[test]
    fn a_repository_is_found_above_and_a_worktree_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        let module = folder.path().join("project/module");
        let worktree = folder.path().join("worktree");
        let data = folder.path().join("project/.git/worktrees/w");
        for made in [&module, &worktree] {
            std::fs::create_dir_all(made).expect("a folder");
        }
        assert_eq!(at(&module, 5_000_000_000_000), None);
        for logs in [folder.path().join("project/.git/logs"), data.join("logs")] {
            std::fs::create_dir_all(&logs).expect("a folder");
            std::fs::write(logs.join("HEAD"), history()).expect("a history");
        }
        std::fs::write(
            worktree.join(".git"),
            format!("gitdir: {}\n", data.display()),
        )
        .expect("a link");
        for place in [&module, &worktree] {
            assert_eq!(at(place, 5_000_000_000_000).as_deref(), Some(SECOND));
            assert_eq!(at(place, 1_500_000_000_000).as_deref(), Some(FIRST));
        }
        assert_eq!(at(Path::new(""), 5_000_000_000_000), None);
    }
}
