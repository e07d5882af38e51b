//! `brunt import`: converts curl commands, recordings and API descriptions to a scenario file.

mod source;

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use brunt_import::{BodyFile, ImportError, Imported};
use brunt_scenario::Scenario;

use crate::cli::tools::{ImportArgs, ImportFormat};
use crate::exit::{Exit, Failure, print_note};
use crate::terminal;

use source::Source;

pub(crate) fn run(args: &ImportArgs) -> Result<Exit, Failure> {
    let to_screen = args.output == Path::new("-");
    if !to_screen && args.output.exists() {
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
    write(&args.output, &imported)?;
    let name = args.output.display();
    let next = "review it, set the load and the targets, then run: brunt check -f";
    terminal::print(&format!("wrote {name}; {next} {name}\n"));
    Ok(Exit::Passed)
}

fn imported(format: &ImportFormat, notes: &mut Vec<String>) -> Result<Imported, Failure> {
    let imported = match format {
        ImportFormat::Curl { command } => match &command[..] {
            [only] if only == "-" => brunt_import::curl(&Source::Input.text(notes)?),
            [only] => brunt_import::curl(only),
            words => brunt_import::curl_words(words),
        },
        ImportFormat::Har { file, host } => {
            let text = Source::from_argument(&file.display().to_string()).text(notes)?;
            brunt_import::har(&text, host.as_deref())
        }
        ImportFormat::Openapi { source } => {
            let source = Source::from_argument(source);
            brunt_import::openapi(&source.text(notes)?, source.url())
        }
    };
    imported.map_err(|error: ImportError| Failure::Input(error.to_string()))
}

/// Checks that the output is a valid scenario.
fn check_scenario(imported: &Imported) -> Result<(), Failure> {
    match Scenario::read("imported.toml", &imported.scenario) {
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

/// Writes the scenario and the files of its bodies. Existing files are not overwritten.
fn write(output: &Path, imported: &Imported) -> Result<(), Failure> {
    let folder = output.parent().unwrap_or(Path::new(""));
    let path = |file: &BodyFile| folder.join(&file.path);
    if let Some(existing) = imported.files.iter().map(path).find(|path| path.exists()) {
        return Err(exists_error(&existing));
    }
    for file in &imported.files {
        let path = path(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::Input(format!("cannot create {}: {error}", folder.display()))
            })?;
        }
        write_new(&path, &file.content)?;
    }
    write_new(output, imported.scenario.as_bytes())
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let name = path.display();
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
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
        "cannot write {name}: it already exists; choose another file with -o, or delete it"
    ))
}
