//! The HTML report as people use it: with a mouse, a finger, paper, a link from a colleague, and a
//! program that looks for what keeps others from using it.

mod support;

use std::path::PathBuf;
use std::process::Command;

use hackleak_report::Report;
use hackleak_report::model::{
    Frame, InEpoch, Kind, Module, NativeFrame, Outcome, State, Visibility,
};
use serde_json::{Value, json};
use support::chromium::{self, Browser};
use support::page::{Page, assert_alone, picture};
use support::sample;

const DETAIL: &str = "document.querySelector('#sites .detail')";

/// A row by its place in the whole table, of which the page has only a part.
fn row(section: &str, number: usize) -> String {
    let index = number + 2;
    format!("document.querySelector('#{section} .grid-space [aria-rowindex=\"{index}\"]')")
}

fn text_of(browser: &mut Browser, element: &str) -> String {
    let text = browser.evaluate(&format!("({element}).innerText"));
    text.as_str().expect("text").to_owned()
}

fn count(browser: &mut Browser, selector: &str) -> u64 {
    let count = browser.evaluate(&format!("document.querySelectorAll({selector:?}).length"));
    count.as_u64().expect("a number")
}

#[test]
fn the_first_click_counts_on_every_table_whatever_is_drawn_meanwhile() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1280, 900);
    let redraw = "new Promise((done) => { document.querySelectorAll('.grid-body').forEach((body) => \
                  body.dispatchEvent(new Event('scroll'))); requestAnimationFrame(() => \
                  requestAnimationFrame(() => done(1))); })";
    for between in ["1", redraw] {
        for (section, number) in [
            ("sites", 2),
            ("tests", 1),
            ("processes", 1),
            ("coverage", 2),
        ] {
            browser.open(&page.file());
            let row = row(section, number);
            browser.evaluate(&format!(
                "{row}.scrollIntoView({{block: 'center', behavior: 'instant'}})"
            ));
            browser.press_on(&row, between);
            let chosen = browser.evaluate(&format!("{row}.getAttribute('aria-selected')"));
            assert_eq!(chosen, "true", "{section}");
            if section == "sites" {
                let opened = text_of(&mut browser, DETAIL);
                assert!(opened.starts_with("384 KiB in 24 blocks"), "{opened}");
            }
        }
    }
    assert_alone(&mut browser, &page);
}

#[test]
fn a_failed_test_shows_its_own_sites() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut report = sample::run();
    // A site of which both tests and the time before them leaked something.
    let part = |epoch, count| InEpoch {
        epoch,
        blocks: count,
        bytes: count * 1024,
    };
    report.processes[0].leaks.sites[3].epochs = vec![part(1, 1), part(3, 2), part(7, 5)];
    report.processes[0].leaks.sites[3].blocks = 8;
    report.processes[0].leaks.sites[3].bytes = 8 * 1024;
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    // Tests come first, then sites.
    let order = browser.evaluate(
        "[...document.querySelectorAll('main section.card')].slice(0, 2).map((s) => s.id)",
    );
    assert_eq!(order, json!(["tests", "sites"]));
    for (test, sites) in [
        (0, vec!["12 MiB", "1.91 MiB", "2 KiB"]),
        (1, vec!["384 KiB", "5 KiB"]),
        (2, vec![]),
    ] {
        let row = row("tests", test);
        browser.evaluate(&format!(
            "{row}.scrollIntoView({{block: 'center', behavior: 'instant'}})"
        ));
        browser.press_on(&row, "1");
        let sizes = browser.evaluate(
            "[...document.querySelectorAll('#sites .grid-space [role=row]')].map((row) => \
             row.firstChild.textContent)",
        );
        assert_eq!(sizes, json!(sites), "test {test}");
    }
    let said = text_of(&mut browser, "document.querySelector('.only')");
    assert!(said.contains("closesEverything"), "{said}");
    assert!(said.contains("Nothing of that was left"), "{said}");
    let link = browser.evaluate("location.hash");
    assert_eq!(link, "#test=StoreTest%20%3E%20closesEverything()");
    browser.evaluate("document.querySelector('.only button:last-child').click()");
    assert_eq!(count(&mut browser, "#sites .grid-space [role=row]"), 4);
    // The link leads there again.
    browser.open_at(&page.file(), "#test=StoreTest%20%3E%20forgetsTheSnapshot()");
    assert_eq!(count(&mut browser, "#sites .grid-space [role=row]"), 2);
    browser.screenshot(&picture("test-chosen.png"), false);
    assert_alone(&mut browser, &page);
}

#[test]
fn a_link_opens_its_site_and_a_stack_can_be_copied() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    browser.evaluate("window.copied = []; Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied.push(text); } } })");
    browser.evaluate(&format!(
        "{}.scrollIntoView({{behavior: 'instant'}})",
        row("sites", 2)
    ));
    browser.press_on(&row("sites", 2), "1");
    let link = browser.evaluate("location.hash");
    let link = link.as_str().expect("text").to_owned();
    assert!(link.starts_with("#site=") && link.len() == 22, "{link}");
    browser.evaluate("document.querySelectorAll('#sites .detail button')[0].click()");
    browser.evaluate("document.querySelectorAll('#sites .detail button')[1].click()");
    browser.wait_for("window.copied.length === 2");
    let stack = browser.evaluate("window.copied[0]");
    assert_eq!(
        stack,
        "384 KiB in 24 blocks, new\n\
         #0 rocksdb::SnapshotList::New(rocksdb::SnapshotImpl*)  /src/rocksdb/db/snapshot_impl.h:101\n\
         #1 Java_org_rocksdb_RocksDB_getSnapshot  /src/rocksdb/java/rocksjni/rocksjni.cc:3001\n\
         \u{20}  at org.rocksdb.RocksDB.getSnapshot(Native Method)\n\
         \u{20}  at org.rocksdb.RocksDB.getSnapshot(RocksDB.java:3105)\n\
         \u{20}  at com.example.store.Store$$Lambda.run(Native Method)\n\
         \u{20}  at com.example.store.Store.freeze(Store.java:131)\n\
         \u{20}  at com.example.store.StoreTest.forgetsTheSnapshot(StoreTest.java:83)\n\
         \u{20}  (test framework)"
    );
    let copied = browser.evaluate("window.copied[1]");
    assert!(copied.as_str().expect("text").ends_with(&link), "{copied}");
    browser.wait_for(
        "document.querySelectorAll('#sites .detail button')[0].textContent === 'Copy stack'",
    );

    // In another window, and after a rebuild with other addresses and lines.
    let mut rebuilt = sample::run();
    for site in &mut rebuilt.processes[0].leaks.sites {
        for frame in &mut site.frames {
            if let hackleak_report::model::Frame::Native(native) = frame {
                native.line = native.line.map(|line| line + 7);
                native.offset = "0xabc".to_owned();
            }
        }
    }
    for report in [sample::run(), rebuilt] {
        let page = Page::of(&report);
        browser.open_at(&page.file(), &link);
        let opened = text_of(&mut browser, DETAIL);
        assert!(opened.starts_with("384 KiB in 24 blocks"), "{opened}");
        let chosen = "#sites .grid-space [aria-selected=true]";
        assert_eq!(count(&mut browser, chosen), 1);
    }
    // A link to nothing is no error.
    browser.open_at(&page.file(), "#site=%E0%A4%A");
    let said = text_of(&mut browser, "document.querySelector('#status')");
    assert!(said.contains("has no site"), "{said}");
}

#[test]
fn modules_date_command_folder_and_revision_are_told() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut report = sample::run();
    let sites = report.processes[0].leaks.sites[..2].to_vec();
    let mut other = sample::process(5001, sites);
    other.folder = "/ci/shop/web".to_owned();
    report.processes.push(other);
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let verdict = text_of(&mut browser, "document.querySelector('#verdict')");
    for said in [
        "2023-11-14 22:13:20 UTC",
        "in 2 folders",
        "at commit 3f2c1d0e9b8a7f6e5d4c3b2a19081726354a5b6c",
        // The same number as in the table, though two of them leak in two processes.
        "at 4 sites",
    ] {
        assert!(verdict.contains(said), "{said}: {verdict}");
    }
    assert_eq!(count(&mut browser, "#sites .grid-space [role=row]"), 4);
    let processes = text_of(&mut browser, "document.querySelector('#processes')");
    for said in ["java -jar surefirebooter.jar", "/ci/shop/web", "3f2c1d0e9b"] {
        assert!(processes.contains(said), "{said}: {processes}");
    }
    browser.evaluate("(() => { const s = document.querySelector('#process'); s.value = 'mweb'; s.dispatchEvent(new Event('change')); })()");
    assert_eq!(count(&mut browser, "#sites .grid-space [role=row]"), 2);
    let shown = text_of(&mut browser, "document.querySelector('#sites .about')");
    assert_eq!(shown, "2 sites, 13.9 MiB in 97 blocks");
    let exact = browser.evaluate("document.querySelector('#sites .about span').title");
    assert_eq!(exact, "14,582,905 bytes");
    browser.screenshot(&picture("modules.png"), true);
    assert_alone(&mut browser, &page);
}

#[test]
fn what_has_no_bytes_is_counted_by_its_own_name() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut site = sample::site(0, 12, Kind::Fd, vec![sample::native("open_all", "db.c", 3)]);
    site.names = vec!["/tmp/a.db".to_owned(), "/tmp/b.db".to_owned()];
    let page = Page::of(&Report::new(vec![sample::process(7, vec![site])]));
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let title = text_of(&mut browser, "document.querySelector('#verdict h1')");
    assert_eq!(title, "Leaks 12 file descriptors at 1 site");
    let about = text_of(&mut browser, "document.querySelector('#sites .about')");
    assert_eq!(about, "1 site, 12 file descriptors");
    let opened = text_of(&mut browser, DETAIL);
    assert!(opened.starts_with("12 file descriptors"), "{opened}");
    assert!(opened.contains("/tmp/a.db, /tmp/b.db"), "{opened}");
    assert!(
        !opened.contains("bytes") && !opened.contains("0 B"),
        "{opened}"
    );
}

/// Each run unpacks a library under another name, and to another folder.
#[test]
fn a_library_that_was_unpacked_is_one_library() {
    let Some(program) = chromium::program() else {
        return;
    };
    let process = |pid: u32, digits: &str| {
        let path = format!("/tmp/rocks-{digits}/librocksdbjni{digits}.so");
        let frame = |function: Option<&str>| {
            Frame::Native(NativeFrame {
                function: function.map(str::to_owned),
                file: None,
                line: None,
                inlined: false,
                module: path.clone(),
                offset: "0x1234".to_owned(),
            })
        };
        let stack = vec![frame(Some("open_all")), frame(None)];
        let site = sample::site(4711, 3, Kind::New, stack);
        let mut process = sample::process(pid, vec![site]);
        let seen = sample::module("", Visibility::Seen, "its `operator new` is the recorder's");
        process.modules = vec![Module { path, ..seen }];
        process
    };
    let processes = vec![
        process(7, "16230810609573563609"),
        process(8, "98765432109876543210"),
    ];
    let page = Page::of(&Report::new(processes));
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let opened = text_of(&mut browser, DETAIL);
    assert!(opened.contains("librocksdbjni.so+0x1234"), "{opened}");
    assert!(
        !opened.contains("162308") && !opened.contains("98765"),
        "{opened}"
    );
    let coverage = text_of(&mut browser, "document.querySelector('#coverage')");
    assert_eq!(
        coverage.matches("librocksdbjni.so").count(),
        1,
        "{coverage}"
    );
    let rows = count(&mut browser, "#coverage .grid-space [role=row]");
    assert_eq!(rows, 1, "{coverage}");
}

#[test]
fn what_still_runs_holds_what_is_live() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut report = sample::run();
    report.processes.truncate(1);
    report.processes[0].state = State::Running;
    report.processes[0]
        .assertions
        .retain(|assertion| assertion.outcome == Outcome::Passed);
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let title = text_of(&mut browser, "document.querySelector('#verdict h1')");
    assert_eq!(title, "Live 14.3 MiB live in 122 blocks at 4 sites");
    let shown = text_of(&mut browser, "document.querySelector('#sites .about')");
    assert_eq!(shown, "4 sites, 14.3 MiB live in 122 blocks");
    let all = text_of(&mut browser, "document.querySelector('#sites')");
    assert!(!all.contains("Leak"), "{all}");
    let processes = text_of(&mut browser, "document.querySelector('#processes')");
    assert!(processes.contains("still runs"), "{processes}");
    assert!(!processes.contains("leaks"), "{processes}");
}

#[test]
fn a_phone_shows_the_owner_and_never_scrolls_sideways() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let hostile = Page::of(&sample::hostile());
    let mut browser = Browser::start(&program, 390, 844);
    browser.be_phone(390);
    for scheme in ["dark", "light"] {
        browser.prefer(scheme);
        for (page, name) in [(&hostile, "hostile"), (&page, "phone")] {
            browser.open(&page.file());
            let wide = browser.evaluate(WIDE);
            assert_eq!(wide, json!([]), "{name}");
            browser.screenshot(&picture(&format!("{name}-{scheme}.png")), true);
        }
    }
    let owner = row("sites", 1);
    browser.evaluate(&format!(
        "{owner}.scrollIntoView({{block: 'center', behavior: 'instant'}})"
    ));
    let said = text_of(&mut browser, &owner);
    assert!(said.contains("Store.scan"), "{said}");
    let room = browser.evaluate(&format!("{owner}.querySelector('.main').clientWidth"));
    assert!(room.as_u64().is_some_and(|room| room > 280), "{room}");
    browser.tap(&owner);
    browser.wait_for(&format!(
        "{DETAIL}.innerText.startsWith('1.91 MiB in 1 block')"
    ));
    browser.wait_for(&format!("{DETAIL}.getBoundingClientRect().top < 500"));
}

/// Elements that stick out of the window, or that have to be scrolled sideways.
const WIDE: &str = "(() => { const wide = []; const room = document.documentElement.clientWidth; \
    if (document.documentElement.scrollWidth > room) wide.push('page ' + document.documentElement.scrollWidth); \
    for (const element of document.querySelectorAll('main *')) { \
      const look = getComputedStyle(element); \
      if (element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1 && /auto|scroll/.test(look.overflowX)) \
        wide.push(element.tagName + '.' + element.className + ' ' + element.scrollWidth); \
    } return wide; })()";

#[test]
fn paper_has_everything() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1280, 900);
    browser.prefer("dark");
    browser.open(&page.file());
    browser.evaluate(
        "addEventListener('beforeprint', () => { window.printed = { \
           tests: document.querySelectorAll('#tests .grid-space [role=row]').length, \
           stacks: document.querySelectorAll('.printed .stack').length, \
           closed: document.querySelectorAll('details:not([open])').length, \
           dark: getComputedStyle(document.documentElement).getPropertyValue('--ink').trim() }; })",
    );
    let pdf = browser.call("Page.printToPDF", json!({ "printBackground": true }));
    let pdf = pdf["data"].as_str().expect("a document").len();
    assert!(pdf > 20_000, "{pdf}");
    assert_eq!(
        browser.evaluate("window.printed"),
        json!({ "tests": 14, "stacks": 4, "closed": 0, "dark": "#1b2129" })
    );
    // Afterwards it is as before.
    browser.wait_for("document.querySelectorAll('.printed .stack').length === 0");
    // Nothing is cut off where it would have to be scrolled.
    browser.call("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    browser.evaluate("dispatchEvent(new Event('beforeprint'))");
    let cut = browser.evaluate(
        "[...document.querySelectorAll('main .grid-body, main .flame')].filter((element) => \
         element.scrollHeight > element.clientHeight + 2).map((element) => element.className)",
    );
    assert_eq!(cut, json!([]));
    browser.screenshot(&picture("paper.png"), true);
    assert_alone(&mut browser, &page);
}

#[test]
fn many_small_sites_are_drawn_as_one_that_opens() {
    let Some(program) = chromium::program() else {
        return;
    };
    let sites = (0..5000).map(|number| {
        let frames = vec![
            sample::native(&format!("shop::part{number}(int)"), "part.cc", number + 1),
            sample::java("com.shop.Basket", "fill", 7),
        ];
        sample::site(5000 - u64::from(number) % 7, 1, Kind::New, frames)
    });
    let page = Page::of(&Report::new(vec![sample::process(7, sites.collect())]));
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let canvas = "document.querySelector('#flame canvas')";
    let more = |browser: &mut Browser| -> u64 {
        let more = browser.evaluate(&format!("Number({canvas}.dataset.more)"));
        more.as_u64().expect("a number")
    };
    let hidden = more(&mut browser);
    assert!(hidden > 4000, "{hidden}");
    browser.evaluate(&format!(
        "{canvas}.scrollIntoView({{block: 'center', behavior: 'instant'}}); {canvas}.focus()"
    ));
    for key in ["ArrowUp", "ArrowUp", "ArrowRight"] {
        browser.press(key);
    }
    let picked = browser.evaluate(&format!("{canvas}.dataset.picked"));
    let picked = picked.as_str().expect("text").to_owned();
    assert!(picked.ends_with(" more frames"), "{picked}");
    browser.screenshot(&picture("more.png"), false);
    browser.press("Enter");
    assert_eq!(browser.evaluate(&format!("{canvas}.dataset.zoom")), *picked);
    // The next of them can be seen and told apart; the rest is one box again.
    assert_eq!(more(&mut browser), hidden - 50);
    browser.press("ArrowUp");
    let picked = browser.evaluate(&format!("{canvas}.dataset.picked"));
    let picked = picked.as_str().expect("text").to_owned();
    assert!(picked.starts_with("shop::part"), "{picked}");
    browser.screenshot(&picture("more-opened.png"), false);
    browser.press("Escape");
    browser.press("Escape");
    assert_eq!(
        browser.evaluate(&format!("{canvas}.dataset.zoom")),
        "com.shop.Basket.fill"
    );
    assert_alone(&mut browser, &page);
}

#[test]
fn a_stage_of_spark_shows_what_its_tasks_left() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::spark());
    let mut browser = Browser::start(&program, 1280, 900);
    browser.open(&page.file());
    let sizes = "[...document.querySelectorAll('#sites .grid-space [role=row]')].map((row) => \
                 row.firstChild.textContent)";
    let choose = |stage: &str| {
        format!(
            "(() => {{ const stage = document.getElementById('stage'); stage.value = '{stage}'; \
             stage.dispatchEvent(new Event('change')); }})()"
        )
    };
    let options =
        browser.evaluate("[...document.getElementById('stage').options].map((it) => it.value)");
    assert_eq!(options, json!(["", "2.0", "2.1", "10.0"]));
    let all = browser.evaluate(sizes);
    for (stage, left, about) in [
        ("2.0", json!(["1 MiB"]), "1 site, 1 MiB in 1 block"),
        (
            "2.1",
            json!(["4 MiB", "512 KiB"]),
            "2 sites, 4.5 MiB in 4 blocks",
        ),
        ("10.0", json!(["2 MiB"]), "1 site, 2 MiB in 2 blocks"),
    ] {
        browser.evaluate(&choose(stage));
        assert_eq!(browser.evaluate(sizes), left, "{stage}");
        let said = text_of(&mut browser, "document.querySelector('#sites .about')");
        assert_eq!(said, about);
        let flame = text_of(&mut browser, "document.getElementById('flame')");
        let total = about.split_once(", ").expect("two parts").1;
        let total = total.split_once(" in").expect("two parts").0;
        assert!(flame.contains(total), "{flame}");
    }
    // The scopes of the stage alone, the largest first.
    browser.evaluate(&choose("2.1"));
    let opened = text_of(&mut browser, DETAIL);
    assert!(
        opened.contains(
            "stage 2.1 task 1 TID 5: 3 MiB in 2 blocks, stage 2.1 task 0 TID 4: 1 MiB in 1 block\n"
        ),
        "{opened}"
    );
    // A link to a site shows all of it.
    let link = browser.evaluate(&format!("{DETAIL}.dataset.site"));
    let link = link.as_str().expect("text");
    let shown = browser.evaluate(&format!(
        "new Promise((done) => {{ location.hash = '#site={link}'; \
         setTimeout(() => done(document.getElementById('stage').value), 50); }})"
    ));
    assert_eq!(shown, json!(""));
    assert_eq!(browser.evaluate(sizes), all);
    // Words are looked for in each of a site's scopes.
    browser.evaluate(
        "new Promise((done) => { const search = document.getElementById('search'); \
         search.value = 'tid'; search.dispatchEvent(new Event('input')); \
         setTimeout(done, 200, 1); })",
    );
    let found = json!(["7 MiB", "1 MiB", "512 KiB"]);
    assert_eq!(browser.evaluate(sizes), found);
    assert_alone(&mut browser, &page);

    let page = Page::of(&sample::run());
    browser.open(&page.file());
    assert_eq!(count(&mut browser, "#stage"), 0);
}

#[test]
fn axe_finds_nothing_that_keeps_people_out() {
    let (Some(program), Some(axe)) = (chromium::program(), axe()) else {
        return;
    };
    let axe = std::fs::read_to_string(axe).expect("axe");
    let mut modules = sample::run();
    modules.processes[1].folder = "/ci/shop/web".to_owned();
    let empty = Report::new(vec![sample::process(7, Vec::new())]);
    let mut browser = Browser::start(&program, 1280, 900);
    for (report, width) in [
        (modules.clone(), 1280),
        (modules, 390),
        (empty, 1280),
        (sample::hostile(), 1280),
        (sample::spark(), 390),
    ] {
        let page = Page::of(&report);
        browser.call(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            browser.open(&page.file());
            browser.evaluate(
                "document.querySelectorAll('details').forEach((d) => { d.open = true; })",
            );
            browser.evaluate(&format!("{axe}; 1"));
            let found = browser.evaluate(
                "axe.run(document).then((result) => result.violations.map((rule) => rule.id + ': ' + \
                 rule.nodes.map((node) => node.html.slice(0, 120) + ' ' + node.failureSummary).join(' | ')))",
            );
            assert_eq!(found, json!([]), "{width} {scheme}");
        }
    }
    // It finds what there is: an image without a text.
    browser.evaluate("document.querySelector('main').append(document.createElement('img'))");
    let found = browser.evaluate("axe.run(document).then((result) => result.violations.length)");
    assert_eq!(found, Value::from(1));
}

/// The file of axe-core: what `HACKLEAK_AXE` names, or from npm once; `None` where it cannot be
/// had.
fn axe() -> Option<PathBuf> {
    if let Some(file) = std::env::var_os("HACKLEAK_AXE") {
        return Some(file.into());
    }
    let folder = picture("axe");
    let file = folder.join("node_modules/axe-core/axe.min.js");
    if !file.is_file() {
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--ignore-scripts"]);
        npm.arg("--prefix").arg(&folder).arg("axe-core@4.10.3");
        let _ = npm.output();
    }
    if !file.is_file() {
        println!("SKIPPED: axe-core is not here: install npm, or name its file in HACKLEAK_AXE");
        return None;
    }
    Some(file)
}
