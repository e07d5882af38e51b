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
        return Err(there_already(&args.output));
    }
    let mut notes = Vec::new();
    let imported = imported(&args.format, &mut notes)?;
    accepted(&imported)?;
    for warning in notes.iter().chain(&imported.warnings) {
        print_note(&format!("warning: {warning}"));
    }
    if to_screen {
        if !imported.files.is_empty() {
            print_note(
                "warning: the files of bodies are not written to standard output; name a file with -o",
            );
        }
        terminal::print(&imported.scenario);
        return Ok(Exit::Passed);
    }
    write(&args.output, &imported)?;
    let name = args.output.display();
    let next = "look through it, say how much load and what is good enough, then: brunt check -f";
    terminal::print(&format!("{name} is written; {next} {name}\n"));
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
            let text = Source::of(&file.display().to_string()).text(notes)?;
            brunt_import::har(&text, host.as_deref())
        }
        ImportFormat::Openapi { source } => {
            let source = Source::of(source);
            brunt_import::openapi(&source.text(notes)?, source.url())
        }
    };
    imported.map_err(|error: ImportError| Failure::Input(error.to_string()))
}

/// What is written is a scenario, whatever it was made of.
fn accepted(imported: &Imported) -> Result<(), Failure> {
    match Scenario::read("imported.toml", &imported.scenario) {
        Ok(_) => Ok(()),
        Err(error) => {
            let report = miette::Report::new(error);
            Err(anyhow!("brunt made a scenario that it does not accept, which is a defect of brunt:\n{report:?}").into())
        }
    }
}

/// Writes the scenario with the bodies that it reads; nothing that is there is written over.
fn write(output: &Path, imported: &Imported) -> Result<(), Failure> {
    let folder = output.parent().unwrap_or(Path::new(""));
    let path = |file: &BodyFile| folder.join(&file.path);
    if let Some(there) = imported.files.iter().map(path).find(|path| path.exists()) {
        return Err(there_already(&there));
    }
    for file in &imported.files {
        let path = path(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::Input(format!("cannot make {}: {error}", folder.display()))
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
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(there_already(path)),
        Err(error) => return Err(Failure::Input(format!("cannot write {name}: {error}"))),
    };
    file.write_all(content)
        .with_context(|| format!("cannot write {name}"))?;
    Ok(())
}

fn there_already(path: &Path) -> Failure {
    let name = path.display();
    Failure::Input(format!(
        "{name} is there already; name another file with -o, or remove it first"
    ))
}
