//! The HTML report in a real browser: it is read, searched, zoomed and looked at as a user would.
//!
//! Pictures are left in `target/html-report/`, to be looked at.

mod support;

use hackleak_report::model::{Held, Holder, HolderRoot, Judgement, Kind, Leaks};
use hackleak_report::{Report, Verdict, render};
use serde_json::json;
use support::chromium::{self, Browser};
use support::page::{Page, assert_alone, picture};
use support::sample;

const ROWS: &str = "[...document.querySelectorAll('#sites .grid-space [role=row]')]";

#[test]
fn what_is_held_has_a_section_in_which_each_way_can_be_opened() {
    let Some(program) = chromium::program() else {
        return;
    };
    let frames = vec![
        sample::native("fill", "cache.cpp", 7),
        sample::java("com.Cache", "fill", 3),
    ];
    let mut site = sample::site(560, 1, Kind::New, frames);
    site.verdict = Judgement::Held;
    site.holder = Some(Holder {
        root: HolderRoot::StaticField,
        name: Some("<b>Cache</b>.handle".to_owned()),
        module: None,
        section: None,
        offset: None,
        thread: None,
        path: vec!["demo.Entry<?>.block".to_owned()],
        chain: vec!["64 bytes of <i>table</i>".to_owned()],
        others: 2,
    });
    let mut report = sample::run();
    report.processes[0].held = Held::of(vec![site]);
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open(&page.file());
    let link = "document.querySelector('#sections a[href=\"#held\"]').textContent";
    assert_eq!(browser.evaluate(link), "Held, not lost");
    let steps = "[...document.querySelectorAll('#app #held ol.chain li')]";
    let shown = format!("{steps}.filter((step) => step.checkVisibility()).length");
    assert_eq!(browser.evaluate(&shown), 0);
    browser.evaluate("document.querySelector('#held summary').click()");
    assert_eq!(browser.evaluate(&shown), 4);
    assert_eq!(
        browser.evaluate(&format!(
            "{steps}.map((step) => step.textContent).join(' | ')"
        )),
        "static <b>Cache</b>.handle | demo.Entry<?>.block | 64 bytes of <i>table</i> | 560 bytes in \
         1 block"
    );
    browser.screenshot(&picture("held.png"), true);
    assert_alone(&mut browser, &page);
}

#[test]
fn a_site_is_searched_opened_and_found_in_the_flame_graph() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open(&page.file());
    let title = browser.evaluate("document.querySelector('#verdict h1').innerText");
    assert_eq!(
        title,
        "Leaks 14.3 MiB in 122 blocks at 4 sites, in 1 of 2 processes"
    );
    let unseen = browser.evaluate("document.querySelector('#verdict').innerText");
    let unseen = unseen.as_str().expect("text");
    for said in [
        "2 failed, 12 passed",
        "mapped memory, file descriptors",
        "blind: libduckdb_java.so",
    ] {
        assert!(unseen.contains(said), "{unseen}");
    }
    let page_text = browser.evaluate("document.body.innerText");
    let page_text = page_text.as_str().expect("text");
    for said in [
        "forgetsTheIterator",
        "1 block (64 bytes) ignored on purpose",
        "libzstd-jni.so",
        "a block of 777 bytes from new[] was freed by delete (3 times)",
        "At the end 33.4 MiB in 5,920 blocks; at most 43.4 MiB",
        "killed",
    ] {
        assert!(page_text.contains(said), "{said}: {page_text}");
    }
    assert!(!page_text.contains("[object") && !page_text.contains("undefined"));

    // Search by keyboard: `/` leads to the field, the table follows what is written.
    assert_eq!(browser.evaluate(&format!("{ROWS}.length")), 4);
    browser.evaluate("document.body.focus()");
    browser.call(
        "Input.dispatchKeyEvent",
        json!({ "type": "keyDown", "key": "/", "text": "/" }),
    );
    browser.call(
        "Input.dispatchKeyEvent",
        json!({ "type": "keyUp", "key": "/" }),
    );
    assert_eq!(browser.evaluate("document.activeElement.id"), "search");
    browser.write("snapshotlist forgets");
    browser.wait_for(&format!("{ROWS}.length === 1"));
    let row = browser.evaluate(&format!("{ROWS}[0].innerText"));
    let row = row.as_str().expect("text");
    assert!(
        row.contains("384 KiB") && row.contains("Store.freeze"),
        "{row}"
    );
    let shown = browser.evaluate("document.querySelector('#sites .about').textContent");
    assert_eq!(shown, "1 site found, 384 KiB in 24 blocks");
    browser.press("Escape");
    browser.wait_for(&format!("{ROWS}.length === 4"));

    // The table by keyboard: down to the second site, open it, go back.
    browser.evaluate("document.querySelector('#sites .grid-body').focus()");
    browser.press("ArrowDown");
    browser.press("Enter");
    let detail = "document.querySelector('#sites .detail')";
    assert_eq!(
        browser.evaluate(&format!("document.activeElement === {detail}")),
        true
    );
    let opened = browser.evaluate(&format!("{detail}.innerText"));
    let opened = opened.as_str().expect("text");
    assert!(
        opened.starts_with("1.91 MiB in 1 block") && opened.contains("1,999,993 bytes"),
        "{opened}"
    );
    // Native above Java, and the default allocator left out of the name.
    let java = opened
        .find("StoreTest.forgetsTheIterator")
        .expect("the test");
    let native = opened
        .find("std::vector<rocksdb::SuperVersion*>::reserve")
        .expect("the vector");
    assert!(native < java, "{opened}");
    browser.press("Escape");
    assert_eq!(
        browser.evaluate("document.activeElement.className"),
        "grid-body"
    );

    // Sort by blocks: the button of the column says how.
    let head = "[...document.querySelectorAll('#sites [role=columnheader]')][1]";
    browser.evaluate(&format!(
        "{head}.firstChild.click(); {head}.firstChild.click()"
    ));
    assert_eq!(
        browser.evaluate(&format!("{head}.getAttribute('aria-sort')")),
        "ascending"
    );
    let first = browser.evaluate(&format!("{ROWS}[0].innerText"));
    assert!(
        first.as_str().expect("text").starts_with("1.91 MiB"),
        "{first}"
    );

    browser.evaluate("document.querySelector('#sites .detail .to-flame').click()");
    let zoom = "document.querySelector('#flame canvas').dataset.zoom";
    let zoomed = browser.evaluate(zoom);
    assert_eq!(
        zoomed,
        "std::vector<rocksdb::SuperVersion*>::reserve(unsigned long)"
    );
    assert_alone(&mut browser, &page);
}

#[test]
fn the_flame_graph_is_walked_by_keyboard_and_by_click() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open(&page.file());
    let canvas = "document.querySelector('#flame canvas')";
    let get = |browser: &mut Browser, what: &str| {
        let value = browser.evaluate(&format!("{canvas}.dataset.{what}"));
        value.as_str().expect("text").to_owned()
    };
    browser.evaluate(&format!(
        "{canvas}.scrollIntoView({{block: 'center', behavior: 'instant'}}); {canvas}.focus()"
    ));
    assert_eq!(get(&mut browser, "zoom"), "all");
    for _ in 0..2 {
        browser.press("ArrowUp");
    }
    assert_eq!(
        get(&mut browser, "picked"),
        "com.example.store.StoreTest.forgetsTheIterator"
    );
    browser.press("ArrowRight");
    assert_eq!(
        get(&mut browser, "picked"),
        "com.example.store.StoreTest.forgetsTheSnapshot"
    );
    let said = browser.evaluate("document.querySelector('#flame .readout').textContent");
    let said = said.as_str().expect("text");
    assert!(
        said.starts_with("Java com.example.store.StoreTest.forgetsTheSnapshot"),
        "{said}"
    );
    assert!(said.contains("384 KiB"), "{said}");
    browser.press("Enter");
    assert_eq!(
        get(&mut browser, "zoom"),
        "com.example.store.StoreTest.forgetsTheSnapshot"
    );
    browser.screenshot(&picture("zoomed.png"), false);
    browser.press("Escape");
    assert_eq!(get(&mut browser, "zoom"), "test framework");
    browser.press("Home");
    assert_eq!(get(&mut browser, "zoom"), "all");

    // The third row from below, on the left: the test that leaks most.
    let at = browser.evaluate(&format!(
        "(({{x, bottom}}) => [x + 40, bottom - 2 - 2.5 * 22])({canvas}.getBoundingClientRect())"
    ));
    let (x, y) = (at[0].as_f64().expect("x"), at[1].as_f64().expect("y"));
    browser.click(x, y);
    assert_eq!(
        get(&mut browser, "zoom"),
        "com.example.store.StoreTest.forgetsTheIterator"
    );

    // By blocks instead of bytes.
    browser.evaluate("document.querySelector('[data-value=blocks]').click()");
    assert_eq!(get(&mut browser, "metric"), "blocks");
    let said = browser.evaluate("document.querySelector('#flame .readout').textContent");
    assert!(said.as_str().expect("text").contains("97 blocks"), "{said}");
    // Only the clean process: there is nothing to show, and the page says so.
    browser.evaluate("(() => { const s = document.querySelector('#process'); s.value = 'p1'; s.dispatchEvent(new Event('change')); })()");
    let shown = browser.evaluate("document.querySelector('#sites .about').textContent");
    assert_eq!(shown, "0 sites, 0 B in 0 blocks");
    assert_alone(&mut browser, &page);
}

#[test]
fn light_and_dark_are_both_readable() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1400, 1000);
    let mut backgrounds = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.open(&page.file());
        // The contrast that WCAG asks of text, of every element that has text of its own.
        let poor = browser.evaluate(CONTRAST);
        assert_eq!(poor, json!([]), "{scheme}");
        backgrounds.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        browser.screenshot(&picture(&format!("{scheme}-window.png")), false);
        browser.screenshot(&picture(&format!("{scheme}.png")), true);
    }
    assert_ne!(backgrounds[0], backgrounds[1]);
    // On a narrow window nothing sticks out.
    browser.call(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": 700, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
    );
    browser.open(&page.file());
    let wide = browser.evaluate("document.documentElement.scrollWidth");
    assert!(wide.as_u64().is_some_and(|width| width <= 700), "{wide}");
    browser.screenshot(&picture("narrow.png"), true);
    assert_alone(&mut browser, &page);
}

/// Elements whose text has less contrast than 4.5 to 1 with what is behind it.
const CONTRAST: &str = r"(() => {
  const colour = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const light = ({ r, g, b }) => {
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.a > 0.99) return found;
    }
    return { r: 255, g: 255, b: 255 };
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (!own || element.closest('script, svg, .unseen, [disabled]') || !element.checkVisibility()) continue;
    const [a, b] = [light(colour(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(element.className + ' ' + contrast.toFixed(2) + ' ' + element.textContent.slice(0, 30));
  }
  return poor;
})()";

#[test]
fn the_same_site_in_two_processes_is_one_row() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut report = sample::run();
    let sites = report.processes[0].leaks.sites[..2].to_vec();
    report.processes[1] = sample::process(4311, sites);
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open(&page.file());
    assert_eq!(browser.evaluate(&format!("{ROWS}.length")), 4);
    let first = browser.evaluate(&format!("{ROWS}[0].innerText"));
    let first = first.as_str().expect("text");
    assert!(
        first.starts_with("24 MiB") && first.ends_with("in 2"),
        "{first}"
    );
    let canvas = "document.querySelector('#flame .readout').textContent";
    assert_eq!(
        browser.evaluate(canvas),
        "all 28.2 MiB, 100 % of what is shown"
    );
    // One of them alone.
    browser.evaluate("document.querySelectorAll('#processes .grid-space [role=row]')[1].click()");
    let row = browser.evaluate(&format!("{ROWS}[0].innerText"));
    assert!(row.as_str().expect("text").starts_with("12 MiB"), "{row}");
    assert_eq!(browser.evaluate(&format!("{ROWS}.length")), 2);
    assert_alone(&mut browser, &page);
}

#[test]
fn hostile_names_are_text() {
    let report = sample::hostile();
    let html = render::html(&report).expect("HTML");
    assert_eq!(
        html.matches("<script").count(),
        2,
        "the data and the script"
    );
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(!html.contains("<img"));
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&report);
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open(&page.file());
    // Every place of the page that shows a name, opened.
    browser.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
    for step in [
        "#sites .grid-body",
        "#tests .grid-body",
        "#flame canvas",
        "#timeline svg",
    ] {
        browser.evaluate(&format!("document.querySelector('{step}').focus()"));
        browser.press("ArrowDown");
        browser.press("ArrowUp");
        browser.press("ArrowRight");
        browser.press("Enter");
    }
    browser.evaluate("document.querySelector('.only button:last-child').click()");
    browser.wait_for("document.querySelector('.invalidFrees .stack') !== null");
    assert_eq!(browser.evaluate("window.pwned === undefined"), true);
    assert_eq!(
        browser.evaluate("document.querySelectorAll('img, iframe, object').length"),
        0
    );
    let text = browser.evaluate("document.body.innerText");
    let text = text.as_str().expect("text");
    assert!(
        text.contains("</script><script>window.pwned=1</script><img"),
        "{text}"
    );
    assert!(
        text.contains("{{script}}"),
        "placeholders in names stay as they are"
    );
    assert!(
        !text.contains('\u{202e}') && !text.contains('\u{1b}'),
        "{text}"
    );
    // Even markup that got in would not run: the page's own policy forbids it.
    browser.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.pwned = 2'; document.body.append(s); })()",
    );
    assert_eq!(browser.evaluate("window.pwned === undefined"), true);
}

#[test]
fn the_page_can_be_read_without_its_script() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::run());
    let mut browser = Browser::start(&program, 1400, 1000);
    browser.open_without_script(&page.file());
    browser.screenshot(&picture("plain.png"), true);
    let text = browser.evaluate("document.body.innerText");
    let text = text.as_str().expect("text");
    for said in [
        "14.3 MiB in 122 blocks at 4 sites, in 1 of 2 processes",
        "failed: StoreTest > forgetsTheIterator(), 12,582,912 bytes in 96 blocks",
        "12,582,912 bytes in 96 blocks, new",
        "invalid free: a block of 777 bytes from new[] was freed by delete",
        "1 block (64 bytes) ignored on purpose",
        "no leaks among",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let stack = browser.evaluate("document.querySelector('details pre').textContent");
    let stack = stack.as_str().expect("text");
    assert!(
        stack.contains("#0 rocksdb::Arena::AllocateNewBlock(unsigned long)"),
        "{stack}"
    );
}

#[test]
fn every_report_has_a_page_with_its_verdict() {
    let Some(program) = chromium::program() else {
        return;
    };
    let mut freed_later = sample::run();
    freed_later.processes.truncate(1);
    let process = &mut freed_later.processes[0];
    process.verdict = Verdict::Clean;
    process.leaks = Leaks::default();
    let mut lossy = sample::process(9, Vec::new());
    lossy.verdict = Verdict::Incomplete;
    lossy.counters.insert("droppedAddress".to_owned(), 3);
    let mut browser = Browser::start(&program, 1000, 800);
    for (report, verdict) in [
        (
            Report::new(Vec::new()),
            "Nothing recorded there is no process in this report",
        ),
        (
            Report::new(vec![sample::process(7, Vec::new())]),
            "No leaks seen no leaks among C++ new/delete, malloc \
             (1,234,567 allocations recorded on 14 threads)",
        ),
        (
            Report::new(vec![lossy]),
            "Incomplete no leaks were seen among C++ new/delete, malloc \
             (1,234,567 allocations recorded on 14 threads), but not everything was recorded",
        ),
        (
            freed_later,
            "Failed 2 assertions failed, and nothing that leaked in them was left at the end",
        ),
        (
            support::report(&support::nested()),
            "Leaks 5.72 MiB in 5 blocks at 2 sites",
        ),
    ] {
        let page = Page::of(&report);
        browser.open(&page.file());
        let said = browser.evaluate("document.querySelector('#verdict h1').innerText");
        assert_eq!(said, verdict);
        let (_, complaints) = browser.requests_and_complaints();
        assert_eq!(complaints, Vec::<String>::new());
    }
}

#[test]
fn a_hundred_thousand_sites_stay_usable() {
    let Some(program) = chromium::program() else {
        return;
    };
    let page = Page::of(&sample::large(100_000));
    let length = std::fs::metadata(page.file()).expect("metadata").len();
    let mut browser = Browser::start(&program, 1400, 1000);
    let took = browser.open(&page.file());
    println!(
        "100,000 sites: {} MB, ready after {took:?}",
        length / 1_000_000
    );
    let shown = browser.evaluate("document.querySelector('#sites .about').textContent");
    assert!(
        shown.as_str().expect("text").starts_with("100,000 sites, "),
        "{shown}"
    );
    // The table holds the rows in view, not all of them.
    let rows = browser.evaluate(&format!("{ROWS}.length"));
    assert!(
        rows.as_u64().is_some_and(|rows| (5..60).contains(&rows)),
        "{rows}"
    );
    browser.evaluate("document.querySelector('#sites .grid-body').focus()");
    let began = std::time::Instant::now();
    browser.press("End");
    browser.wait_for("document.querySelector('#sites .grid-row.active')?.getAttribute('aria-rowindex') === '100001'");
    println!("to the last row: {:?}", began.elapsed());
    let began = std::time::Instant::now();
    browser.evaluate("(() => { const s = document.querySelector('#search'); s.value = 'step77777('; s.dispatchEvent(new Event('input')); })()");
    browser.wait_for("document.querySelector('#sites .about').textContent.includes('found')");
    println!("searched: {:?}", began.elapsed());
    let found = browser.evaluate(&format!("{ROWS}.length"));
    assert_eq!(found, 1, "one site calls that function");
    browser.screenshot(&picture("large.png"), false);
    assert_alone(&mut browser, &page);
}
