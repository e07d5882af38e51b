//! Git commit of a directory, read from the repository's files without the git program.

use std::fs;
use std::path::{Path, PathBuf};

/// Commit of the working directory.
pub(crate) fn of_working_directory() -> Option<String> {
    commit_of(&std::env::current_dir().ok()?)
}

/// Commit that is checked out in a directory; `None` outside of a repository, before its first commit, and for unsupported
/// repository formats.
fn commit_of(folder: &Path) -> Option<String> {
    let git = folder.ancestors().find_map(repository)?;
    let head = read(&git.join("HEAD"))?;
    let Some(name) = head.strip_prefix("ref: ") else {
        return hash(&head);
    };
    // A worktree shares the branches of its main repository.
    let common = read(&git.join("commondir")).map_or_else(|| git.clone(), |path| git.join(path));
    let loose = || hash(&read(&common.join(name))?);
    loose().or_else(|| packed(&common, name))
}

fn repository(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    // In worktrees and submodules `.git` is a file with the path of the directory.
    let text = read(&git)?;
    Some(folder.join(text.strip_prefix("gitdir: ")?))
}

fn packed(git: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(git.join("packed-refs")).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs
        .find(|(_, packed)| *packed == name)
        .and_then(|(found, _)| hash(found))
}

fn read(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim_end().to_owned())
}

fn hash(text: &str) -> Option<String> {
    let is_hash = text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef01234567";
    const TWO: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn commit_is_found_loose_packed_detached_and_from_a_subdirectory() {
        let folder = tempfile::tempdir().unwrap();
        let (git, below) = (folder.path().join(".git"), folder.path().join("a/b"));
        fs::create_dir_all(&below).unwrap();
        write(&git.join("HEAD"), "ref: refs/heads/main\n");
        assert_eq!(commit_of(&below), None, "no commit yet");
        write(
            &git.join("packed-refs"),
            &format!("# pack-refs\n{TWO} refs/heads/main\n"),
        );
        assert_eq!(commit_of(&below).as_deref(), Some(TWO));
        write(&git.join("refs/heads/main"), &format!("{ONE}\n"));
        assert_eq!(commit_of(&below).as_deref(), Some(ONE));
        write(&git.join("HEAD"), &format!("{TWO}\n"));
        assert_eq!(commit_of(folder.path()).as_deref(), Some(TWO));
    }

    #[test]
    fn worktree_uses_its_own_head_and_the_branches_of_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        let (git, tree) = (folder.path().join("main/.git"), folder.path().join("tree"));
        write(
            &tree.join(".git"),
            &format!("gitdir: {}\n", git.join("worktrees/tree").display()),
        );
        write(&git.join("worktrees/tree/HEAD"), "ref: refs/heads/side\n");
        write(&git.join("worktrees/tree/commondir"), "../..\n");
        write(&git.join("refs/heads/side"), ONE);
        assert_eq!(commit_of(&tree).as_deref(), Some(ONE));
    }
}
