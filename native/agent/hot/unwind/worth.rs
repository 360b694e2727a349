//! Whether it pays to keep a walk: that costs about as much as making a short one.

/// How often what was kept was found again. Valid when zero.
pub struct Worth {
    hits: u32,
    kept: u32,
    refused: u32,
}

impl Worth {
    /// Something was found again.
    #[inline(always)]
    pub fn paid(&mut self) {
        self.hits = self.hits.saturating_add(1);
    }

    /// Whether the next one is to be kept. A thread that goes through more places than are kept
    /// finds few again: then one walk in sixteen is enough.
    #[inline(always)]
    pub fn pays(&mut self) -> bool {
        const FREE: u32 = 256;
        if self.kept > self.hits.saturating_add(FREE) {
            self.refused += 1;
            if !self.refused.is_multiple_of(16) {
                return false;
            }
        }
        if self.kept.max(self.hits) > 1 << 16 {
            self.kept /= 2;
            self.hits /= 2;
        }
        self.kept += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_finds_nothing_again_learns_one_walk_in_sixteen() {
        let mut worth = Worth {
            hits: 0,
            kept: 0,
            refused: 0,
        };
        let learned = |worth: &mut Worth| (0..1600).filter(|_| worth.pays()).count();
        assert_eq!(learned(&mut worth), 257 + (1600 - 257) / 16);
        // Once walks are found again, all are worth it.
        worth.hits = 1 << 15;
        assert_eq!(learned(&mut worth), 1600);
        // Old times are forgotten by and by.
        worth.hits = u32::MAX;
        for _ in 0..64 {
            worth.pays();
        }
        assert!(worth.hits <= 1 << 16, "{}", worth.hits);
    }
}
