//! memcheck's XML.

use super::Reported;

/// The leaks, whatever their kind.
pub fn valgrind(xml: &str) -> Vec<Reported> {
    let errors = xml.split("<error>").skip(1);
    let leaks = errors.filter_map(|error| {
        let error = error.split("</error>").next()?;
        Some(Reported {
            frames: all(error, "fn").map(str::to_owned).collect(),
            blocks: all(error, "leakedblocks").next()?.parse().ok()?,
            bytes: all(error, "leakedbytes").next()?.parse().ok()?,
        })
    });
    leaks.collect()
}

/// The texts of the elements of that name, which have no attributes and nest nothing.
fn all<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let after: Vec<&str> = xml.split(open.as_str()).skip(1).collect();
    after
        .into_iter()
        .map(move |rest| rest.split(close.as_str()).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaks_and_other_errors() {
        let xml = "<error><kind>InvalidRead</kind><stack><frame><fn>main</fn></frame></stack></error>\
                   <error><kind>Leak_DefinitelyLost</kind><xwhat><leakedbytes>10007</leakedbytes>\
                   <leakedblocks>1</leakedblocks></xwhat><stack><frame><fn>operator new(unsigned long)</fn></frame>\
                   <frame><fn>planted_new</fn></frame></stack></error>";
        let expected = Reported {
            frames: vec![
                "operator new(unsigned long)".to_owned(),
                "planted_new".to_owned(),
            ],
            blocks: 1,
            bytes: 10_007,
        };
        assert_eq!(valgrind(xml), [expected]);
    }
}
