//! Java frames: the recorder resolved the names, so this only puts them together.

use std::collections::HashMap;

use hackleak_image::Image;
use hackleak_image::frame::BCI_NATIVE;
use hackleak_image::reader::JavaMethod;

use super::tidy;
use crate::model::JavaFrame;

/// The methods that were looked up.
pub(super) struct JavaNames<'image> {
    image: &'image Image,
    methods: HashMap<u32, Option<JavaMethod>>,
}

impl JavaNames<'_> {
    pub(super) fn new(image: &Image) -> JavaNames<'_> {
        JavaNames {
            image,
            methods: HashMap::new(),
        }
    }

    /// The frame of byte code `bci` in method `index`.
    pub(super) fn frame(&mut self, index: u32, bci: u16) -> JavaFrame {
        let method = self
            .methods
            .entry(index)
            .or_insert_with(|| self.image.method(index));
        let native = bci == BCI_NATIVE;
        match method {
            Some(method) if !method.name.is_empty() => JavaFrame {
                class: tidy::class(&method.class).into_owned(),
                method: method.name.clone(),
                file: (!method.file.is_empty()).then(|| method.file.clone()),
                line: if native {
                    None
                } else {
                    method.line(bci).map(u32::from)
                },
                native,
            },
            _ => JavaFrame {
                class: "<unknown>".to_owned(),
                method: format!("<method {index}>"),
                file: None,
                line: None,
                native,
            },
        }
    }
}
