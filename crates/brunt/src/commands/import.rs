//! `brunt import`: converts curl commands, recordings and API descriptions to a scenario file.

mod source;

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use brunt_import::{BodyFile, ImportError, Imported};
use brunt_scenario::{Environment, FileContent, Scenario};

use crate::cli::tools::{ImportArgs, ImportFormat, RecordingOrder};
use crate::exit::{Exit, Failure, print_note};
use crate::terminal;

use source::Source;

pub(crate) fn run(args: &ImportArgs) -> Result<Exit, Failure> {
    let to_screen = args.output == Path::new("-");
    if !to_screen && !args.force && args.output.exists() {
        return Err(exists_error(&args.output));
    }
    let mut notes = Vec::new();
    let imported = imported(&args.format, &mut notes)?;
    check_scenario(&imported)?;
    for warning in notes.iter().chain(&imported.warnings) {
        print_note(&format!("warning: {warning}"));
    }
    if to_screen {
        if !imported.files.is_empty() {
            print_note(
                "warning: request body files are not written with -o -; use -o FILE to write them",
            );
        }
        terminal::print(&imported.scenario);
        return Ok(Exit::Passed);
    }
    write(&args.output, &imported, args.force)?;
    let name = args.output.display();
    let next = "review it, set the load and the targets, then run: brunt check -f";
    terminal::print(&format!("wrote {name}; {next} {name}\n"));
    Ok(Exit::Passed)
}

fn imported(format: &ImportFormat, notes: &mut Vec<String>) -> Result<Imported, Failure> {
    let imported = match format {
        ImportFormat::Curl { command } => match &command[..] {
            [only] if only == "-" => brunt_import::curl(Source::Input.bytes()?),
            [only] => brunt_import::curl(only.as_bytes()),
            words => {
                let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
                brunt_import::curl_words(&words)
            }
        },
        ImportFormat::Har { file, host, order } => {
            let text = Source::from_argument(&file.display().to_string()).text(notes)?;
            match order {
                RecordingOrder::Sequence => brunt_import::har(&text, host.as_deref()),
                RecordingOrder::Weight => brunt_import::har_mix(&text, host.as_deref()),
            }
        }
        ImportFormat::Openapi { source } => {
            let source = Source::from_argument(source);
            brunt_import::openapi(&source.text(notes)?, source.url())
        }
    };
    imported.map_err(|error: ImportError| Failure::Input(error.to_string()))
}

/// An environment in which every variable is set, since those of secrets are set after the import.
struct AnyVariable;

impl Environment for AnyVariable {
    fn variable(&self, _: &str) -> Option<String> {
        Some(String::new())
    }

    fn file(&self, _: &Path) -> io::Result<Arc<dyn FileContent>> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// Checks that the output is a valid scenario.
fn check_scenario(imported: &Imported) -> Result<(), Failure> {
    match Scenario::read_in("imported.toml", &imported.scenario, &AnyVariable) {
        Ok(_) => Ok(()),
        Err(error) => {
            let report = miette::Report::new(error);
            Err(
                anyhow!("the imported scenario is invalid, which is a bug in brunt:\n{report:?}")
                    .into(),
            )
        }
    }
}

/// Writes the scenario and the files of its bodies. Existing files are overwritten only by force; a body that an earlier
/// import has written is used again.
fn write(output: &Path, imported: &Imported, force: bool) -> Result<(), Failure> {
    let folder = output.parent().unwrap_or(Path::new(""));
    let mut bodies = Vec::new();
    for file in &imported.files {
        let path = folder.join(&file.path);
        if !is_same(&path, file) {
            if !force && path.exists() {
                return Err(exists_error(&path));
            }
            bodies.push((path, &file.content));
        }
    }
    for (path, content) in bodies {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::Input(format!("cannot create {}: {error}", folder.display()))
            })?;
        }
        write_file(&path, content, force)?;
    }
    write_file(output, imported.scenario.as_bytes(), force)
}

/// Whether a file exists with the content of a body.
fn is_same(path: &Path, file: &BodyFile) -> bool {
    let size = fs::metadata(path).map(|metadata| metadata.len());
    size.is_ok_and(|size| size == file.content.len() as u64)
        && fs::read(path).is_ok_and(|content| content == file.content)
}

fn write_file(path: &Path, content: &[u8], force: bool) -> Result<(), Failure> {
    let name = path.display();
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let mut file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists_error(path)),
        Err(error) => return Err(Failure::Input(format!("cannot write {name}: {error}"))),
    };
    file.write_all(content)
        .with_context(|| format!("cannot write {name}"))?;
    Ok(())
}

fn exists_error(path: &Path) -> Failure {
    let name = path.display();
    Failure::Input(format!(
        "cannot write {name}: it already exists; choose another file with -o, or use --force to overwrite it"
    ))
}
