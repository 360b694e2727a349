//! Pieces of arenas that were read, kept until the next refresh.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::layout::SegmentKind;

/// The pieces that were read. The file's length bounds their number.
#[derive(Debug, Default)]
pub(super) struct ArenaCache(pub(super) RefCell<HashMap<(SegmentKind, u64), Piece>>);

/// The data of one segment, or `None` when the system could not read it.
pub(super) type Piece = Option<Rc<[u8]>>;
