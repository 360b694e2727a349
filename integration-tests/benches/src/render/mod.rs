//! Tables.

pub mod terminal;
