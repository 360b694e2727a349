use super::*;

const PAGE: usize = 1 << PAGE_BITS;

fn pages(first: usize, end: usize) -> Range<usize> {
    first * PAGE..end * PAGE
}

fn take<const GROUPS: usize>(
    table: &Fragments<GROUPS>,
    range: Range<usize>,
) -> Vec<(Range<usize>, u32)> {
    let mut taken = Vec::new();
    table.take(&range, |piece| {
        taken.push((
            piece.range.start / PAGE..piece.range.end / PAGE,
            piece.record,
        ));
    });
    taken.sort_unstable_by_key(|(range, _)| range.start);
    taken
}

fn all<const GROUPS: usize>(table: &Fragments<GROUPS>) -> Vec<(Range<usize>, u32)> {
    let all = table
        .all()
        .map(|one| (one.range.start / PAGE..one.range.end / PAGE, one.record));
    let mut all: Vec<_> = all.collect();
    all.sort_unstable_by_key(|(range, _)| range.start);
    all
}

#[test]
fn a_mapping_that_is_cut_keeps_its_record() {
    let table: Fragments<2> = Fragments::new();
    let record = table.put_new(pages(100, 110), |_| true).expect("room");
    assert_eq!(take(&table, pages(104, 106)), [(104..106, record)]);
    assert_eq!(all(&table), [(100..104, record), (106..110, record)]);
    assert_eq!(take(&table, pages(106, 107)), [(106..107, record)]);
    assert_eq!(take(&table, pages(90, 101)), [(100..101, record)]);
    assert_eq!(all(&table), [(101..104, record), (107..110, record)]);
    let rest = take(&table, pages(0, 1000));
    assert_eq!(rest, [(101..104, record), (107..110, record)]);
    assert_eq!(all(&table), []);
    assert!(table.unmapped().any(|range| range == pages(107, 110)));
}

#[test]
fn several_mappings_end_at_once() {
    let table: Fragments<2> = Fragments::new();
    let first = table.put_new(pages(16, 20), |_| true).expect("room");
    let second = table.put_new(pages(20, 24), |_| true).expect("room");
    assert_ne!(first, second);
    let taken = take(&table, pages(18, 22));
    assert_eq!(taken, [(18..20, first), (20..22, second)]);
    assert_eq!(all(&table), [(16..18, first), (22..24, second)]);
    assert!(table.begins_at(22 * PAGE) && !table.begins_at(20 * PAGE));
}

#[test]
fn of_what_lies_over_each_other_one_can_be_taken() {
    let table: Fragments<2> = Fragments::new();
    let old = table.put_new(pages(16, 20), |_| true).expect("room");
    let new = table.put_new(pages(14, 18), |_| true).expect("room");
    let part = Fragment {
        range: pages(16, 18),
        record: old,
        order: 1,
    };
    let mut taken = 0;
    table.take_of(&part, |piece| taken += piece.range.len() / PAGE);
    assert_eq!(taken, 2);
    assert_eq!(all(&table), [(14..18, new), (18..20, old)]);
}

#[test]
fn a_record_that_is_in_use_is_not_given_again() {
    let table: Fragments<1> = Fragments::new();
    let record = table.put_new(pages(300, 302), |_| true).expect("room");
    assert_eq!(take(&table, pages(300, 301)).len(), 1);
    let other = table
        .put_new(pages(300, 301), |number| number != record)
        .expect("room");
    assert_ne!(record, other);
    assert_eq!(all(&table), [(300..301, other), (301..302, record)]);
}

#[test]
fn a_full_table_refuses_and_places_are_used_again() {
    let table: Fragments<1> = Fragments::new();
    for number in 0..64 {
        let range = pages(1000 + 2 * number, 1001 + 2 * number);
        assert!(table.put_new(range, |_| true).is_some(), "{number}");
    }
    assert_eq!(table.put_new(pages(5000, 5001), |_| true), None);
    assert_eq!(take(&table, pages(1002, 1005)).len(), 2);
    assert!(table.put_new(pages(5000, 5001), |_| true).is_some());
    assert!(table.put_new(pages(6000, 6001), |_| true).is_some());
    assert_eq!(table.put_new(pages(7000, 7001), |_| true), None);
    table.clear();
    assert_eq!(all(&table), []);
}

#[test]
fn a_mapping_may_be_longer_than_a_fragment() {
    let table: Fragments<1> = Fragments::new();
    let long = pages(4096, 4096 + 3 * MOST_PAGES);
    let record = table.put_new(long.clone(), |_| true).expect("room");
    assert_eq!(all(&table).len(), 3);
    let taken = take(&table, long);
    assert_eq!(taken.len(), 3);
    let sum: usize = taken.iter().map(|(range, _)| range.len()).sum();
    assert_eq!(sum, 3 * MOST_PAGES);
    assert!(taken.iter().all(|(_, of)| *of == record));
}
