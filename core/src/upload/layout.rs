//! How many bytes lie in which part.
//!
//! Invariant: all parts are equally long but the last, which is not empty; R2 and S3 ask for both.

use thiserror::Error;

/// How a file is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartLayout {
    size_bytes: u64,
    part_bytes: u64,
}

/// A wish for parts that the bucket would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PartSizeError {
    /// Not whole mebibytes.
    #[error("must be a multiple of 1048576 (1 MiB)")]
    Uneven,
    /// Below S3's least.
    #[error("must be at least 5242880 (5 MiB)")]
    TooSmall,
    /// Above R2's most.
    #[error("must be at most {PART_MAX_BYTES} (4.99 GiB)")]
    TooLarge,
    /// The file would have more parts than an upload may have.
    #[error("must be at least {0}: smaller parts would exceed the limit of {PART_MAX_COUNT} parts")]
    TooManyParts(u64),
}

impl PartLayout {
    /// Divides a file of `size_bytes` (at least 1) into parts of the wished length, or into parts of
    /// 16 MiB, or of as much more as it needs to have at most 10,000.
    pub fn new(size_bytes: u64, requested: Option<u64>) -> Result<Self, PartSizeError> {
        let least = size_bytes.div_ceil(u64::from(PART_MAX_COUNT)).next_multiple_of(MIB);
        let part_bytes = match requested {
            None => PART_DEFAULT_BYTES.max(least),
            Some(wish) if !wish.is_multiple_of(MIB) => return Err(PartSizeError::Uneven),
            Some(wish) if wish < PART_MIN_BYTES => return Err(PartSizeError::TooSmall),
            Some(wish) if wish > PART_MAX_BYTES => return Err(PartSizeError::TooLarge),
            Some(wish) if wish < least => return Err(PartSizeError::TooManyParts(least)),
            Some(wish) => wish,
        };
        Ok(Self { size_bytes: size_bytes.max(1), part_bytes })
    }

    /// The whole file.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Every part but the last.
    pub const fn part_bytes(&self) -> u64 {
        self.part_bytes
    }

    /// Parts in all; they are numbered from 1.
    pub fn part_count(&self) -> u32 {
        u32::try_from(self.size_bytes.div_ceil(self.part_bytes.max(1))).unwrap_or(PART_MAX_COUNT)
    }

    /// The exact length of one part; `None` for a number that is none of this file's.
    pub fn bytes_of(&self, number: u32) -> Option<u64> {
        let before = u64::from(number.checked_sub(1)?).checked_mul(self.part_bytes)?;
        let left = self.size_bytes.checked_sub(before).filter(|left| *left > 0)?;
        Some(left.min(self.part_bytes))
    }
}

const MIB: u64 = 1024 * 1024;
/// Parts of one upload (S3 and R2).
pub const PART_MAX_COUNT: u32 = 10_000;
/// Every part but the last (S3 and R2).
const PART_MIN_BYTES: u64 = 5 * MIB;
/// R2 takes 5 MiB less than 5 GiB in one request; whole mebibytes of that.
const PART_MAX_BYTES: u64 = 5115 * MIB;
/// Seconds on a home line, and 597 parts for the largest file.
const PART_DEFAULT_BYTES: u64 = 16 * MIB;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_16_mib_unless_asked_otherwise() {
        let plan =
            |size, wish| PartLayout::new(size, wish).map(|plan| (plan.part_bytes(), plan.part_count()));
        assert_eq!(plan(1, None), Ok((16 * MIB, 1)));
        assert_eq!(plan(16 * MIB, None), Ok((16 * MIB, 1)));
        assert_eq!(plan(16 * MIB + 1, None), Ok((16 * MIB, 2)));
        assert_eq!(plan(10_000_000_000, None), Ok((16 * MIB, 597)));
        assert_eq!(plan(10_000_000_000, Some(5 * MIB)), Ok((5 * MIB, 1908)));
        assert_eq!(plan(1 << 40, None), Ok((105 * MIB, 9987)), "more than 10,000 parts are never planned");
    }

    #[test]
    fn a_wish_that_the_bucket_would_refuse_is_refused() {
        for (size, wish, bad) in [
            (1, 5 * MIB + 1, PartSizeError::Uneven),
            (1, 0, PartSizeError::TooSmall),
            (1, 4 * MIB, PartSizeError::TooSmall),
            (1, 5116 * MIB, PartSizeError::TooLarge),
            (1 << 40, 5 * MIB, PartSizeError::TooManyParts(105 * MIB)),
        ] {
            assert_eq!(PartLayout::new(size, Some(wish)), Err(bad), "{size} {wish}");
        }
        assert_eq!(PART_MAX_BYTES, 5 * 1024 * MIB - 5 * MIB);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_file(size in 1_u64..=20_000_000_000, wish in proptest::option::of(5_u64..300)) {
            let plan = PartLayout::new(size, wish.map(|mib| mib * MIB)).unwrap();
            let parts: Vec<u64> = (1..=plan.part_count()).filter_map(|n| plan.bytes_of(n)).collect();
            prop_assert_eq!(parts.len(), plan.part_count() as usize);
            prop_assert_eq!(parts.iter().sum::<u64>(), size);
            let (last, others) = parts.split_last().unwrap();
            prop_assert!(*last >= 1 && *last <= plan.part_bytes());
            prop_assert!(others.iter().all(|bytes| *bytes == plan.part_bytes()));
            prop_assert_eq!((plan.bytes_of(0), plan.bytes_of(plan.part_count() + 1)), (None, None));
        }
    }
}
