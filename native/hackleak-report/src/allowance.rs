//! Leaks that one check does not count: too small, or of another kind.

use std::str::FromStr;

use hackleak_image::layout::Kind;

use crate::model::Site;
use crate::sum::{Sum, amount};

/// How much may leak at one site. A site within every limit that is set is no leak; when none is
/// set, every site is one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowance {
    /// The most bytes.
    pub bytes: Option<u64>,
    /// The most blocks.
    pub blocks: Option<u64>,
}

impl Allowance {
    fn covers(&self, site: &Site) -> bool {
        (self.bytes.is_some() || self.blocks.is_some())
            && self.bytes.is_none_or(|bytes| site.bytes <= bytes)
            && self.blocks.is_none_or(|count| site.blocks <= count)
    }

    /// The sites beyond the allowance, and a note on the others.
    pub(crate) fn apply(&self, sites: Vec<Site>) -> (Vec<Site>, Option<String>) {
        let (allowed, left): (Vec<Site>, Vec<Site>) =
            sites.into_iter().partition(|site| self.covers(site));
        if allowed.is_empty() {
            return (left, None);
        }
        let mut sum = Sum::default();
        allowed.iter().for_each(|site| sum.add(Sum::of(site)));
        (left, Some(format!("{} within the allowance", amount(sum))))
    }
}

/// Kinds that are tracked together: those of the option `track`, and pool objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// C++ `new` and `new[]`.
    New,
    /// The malloc family.
    Malloc,
    /// References, array elements, strings and monitors.
    Jni,
    /// `Unsafe.allocateMemory`.
    Unsafe,
    /// Objects of libraries' own pools.
    Pool,
    /// File descriptors.
    Fd,
    /// Mapped memory.
    Mmap,
    /// What zlib takes for Java's `Deflater` and `Inflater`.
    Zip,
    /// Threads that were started.
    Thread,
    /// Attached threads, local frames and local references.
    Attach,
    /// Libraries that were opened.
    Module,
}

impl Group {
    /// The group of a kind.
    pub fn of(kind: Kind) -> Group {
        match kind {
            Kind::New | Kind::NewArray => Group::New,
            Kind::Malloc => Group::Malloc,
            Kind::Unsafe => Group::Unsafe,
            Kind::Pool => Group::Pool,
            Kind::Fd => Group::Fd,
            Kind::Mmap => Group::Mmap,
            Kind::Zip => Group::Zip,
            Kind::Thread => Group::Thread,
            Kind::Attach | Kind::LocalFrame | Kind::LocalRefs => Group::Attach,
            Kind::Module => Group::Module,
            _ => Group::Jni,
        }
    }

    /// The name, as [`Group::from_str`] reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::New => "new",
            Group::Malloc => "malloc",
            Group::Jni => "jni",
            Group::Unsafe => "unsafe",
            Group::Pool => "pool",
            Group::Fd => "fd",
            Group::Mmap => "mmap",
            Group::Zip => "zip",
            Group::Thread => "thread",
            Group::Attach => "attach",
            Group::Module => "module",
        }
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(name: &str) -> Result<Group, String> {
        match name {
            "new" => Ok(Group::New),
            "malloc" => Ok(Group::Malloc),
            "jni" => Ok(Group::Jni),
            "unsafe" => Ok(Group::Unsafe),
            "pool" => Ok(Group::Pool),
            "fd" => Ok(Group::Fd),
            "mmap" => Ok(Group::Mmap),
            "zip" => Ok(Group::Zip),
            "thread" => Ok(Group::Thread),
            "attach" => Ok(Group::Attach),
            "module" => Ok(Group::Module),
            other => Err(format!(
                "`{other}` is no kind: use new, malloc, jni, unsafe, pool, fd, mmap, zip, thread, attach or \
                 module"
            )),
        }
    }
}
