//! HackLeak's own report.

use std::panic::catch_unwind;
use std::path::Path;

use integration_tests::Report;

use super::Reported;

/// The sites of every image in `folder`.
pub fn hackleak(folder: &Path) -> Result<Vec<Reported>, String> {
    let folder = folder.to_owned();
    // The reader of the integration tests fails as tests do.
    let report = catch_unwind(move || Report::of([folder]))
        .map_err(|_| "`hackleak report` failed: see above".to_owned())?;
    let sites = report
        .processes
        .iter()
        .flat_map(|process| &process.leaks.sites);
    let leaks = sites.map(|site| Reported {
        frames: site.names(),
        blocks: site.blocks,
        bytes: site.bytes,
    });
    Ok(leaks.collect())
}
