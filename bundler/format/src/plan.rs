//! Divides blobs over volumes.
//!
//! Invariants: the division follows from sizes alone, so it is the same on every machine; blobs stay in order and are cut
//! only between chunks; a volume never grows over its budget unless a single chunk does. Deliberately not here: bytes.

use crate::layout::BLOCK;
use crate::{Blob, Entry, EntryName, limits};

/// The most bytes that a frame of `length` bytes can take when it does not compress (zstd's own bound).
fn bound(length: u64) -> u64 {
    length + (length >> 8) + 64
}

/// The entries of each volume, for volumes of at most `volume_size` bytes. `docs/formats/bundle-v1.md` §6.3.
#[must_use]
pub fn plan_volumes(blobs: &[Blob], volume_size: u64) -> Vec<Vec<Entry>> {
    // Header and padding of an entry; the end of the archive is kept free from the start.
    let entry_cost = bound(2 * BLOCK);
    let budget = volume_size.min(limits::VOLUME_MAX).saturating_sub(bound(3 * BLOCK));
    let mut volumes: Vec<Vec<Entry>> = Vec::new();
    let mut current: Vec<Entry> = Vec::new();
    let mut used = 0;
    for blob in blobs {
        let (mut offset, mut segment) = (0, 0);
        loop {
            let mut length = 0;
            let mut cost = entry_cost;
            while offset + length < blob.size {
                let chunk = (blob.size - offset - length).min(limits::CHUNK);
                let fits = used + cost + bound(chunk) <= budget;
                // An empty volume takes one chunk whatever the budget: less would never end.
                let forced = current.is_empty() && length == 0;
                if !fits && !forced {
                    break;
                }
                cost += bound(chunk);
                length += chunk;
            }
            let nothing_fits = length == 0 && (blob.size > 0 || used + cost > budget);
            if nothing_fits && !current.is_empty() {
                volumes.push(std::mem::take(&mut current));
                used = 0;
                continue;
            }
            current.push(Entry { name: EntryName::of(&blob.digest, segment), blob: blob.digest, offset, length });
            used += cost;
            offset += length;
            segment += 1;
            if offset >= blob.size {
                break;
            }
        }
    }
    if !current.is_empty() {
        volumes.push(current);
    }
    volumes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;
    use proptest::prelude::*;

    fn blob(number: u8, size: u64) -> Blob {
        Blob { digest: Digest::of(&[number]), size, chunks: vec![] }
    }

    #[test]
    fn a_blob_larger_than_a_volume_is_cut_between_chunks() {
        let volumes = plan_volumes(&[blob(0, 3 * limits::CHUNK + 5)], 9 << 20);
        let lengths: Vec<Vec<u64>> = volumes.iter().map(|v| v.iter().map(|e| e.length).collect()).collect();
        assert_eq!(lengths, [vec![2 * limits::CHUNK], vec![limits::CHUNK + 5]]);
    }

    #[test]
    fn sizes_around_the_32_bit_border_keep_every_byte() {
        for size in [(1u64 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 32) - 1, 1 << 32, (1 << 32) + 1, 12 << 30] {
            let volumes = plan_volumes(&[blob(0, size)], u64::MAX);
            let entries: Vec<&Entry> = volumes.iter().flatten().collect();
            assert_eq!(entries.iter().map(|e| e.length).sum::<u64>(), size);
            assert!(entries.iter().all(|e| e.length <= limits::VOLUME_MAX && e.offset % limits::CHUNK == 0));
        }
    }

    proptest! {
        #[test]
        fn every_byte_of_every_blob_is_in_exactly_one_entry(sizes in proptest::collection::vec(0u64..20_000_000, 0..12), volume in 0u64..12_000_000) {
            let blobs: Vec<Blob> = sizes.iter().enumerate().map(|(n, size)| blob(n as u8, *size)).collect();
            let volumes = plan_volumes(&blobs, volume);
            prop_assert!(volumes.iter().all(|v| !v.is_empty()));
            let mut entries = volumes.iter().flatten();
            for blob in &blobs {
                let (mut at, mut segment) = (0, 0);
                loop {
                    let entry = entries.next().unwrap();
                    prop_assert_eq!((&entry.blob, entry.offset, &entry.name), (&blob.digest, at, &EntryName::of(&blob.digest, segment)));
                    at += entry.length;
                    segment += 1;
                    if at == blob.size { break; }
                    prop_assert!(entry.length > 0 && entry.length.is_multiple_of(limits::CHUNK));
                }
            }
            prop_assert!(entries.next().is_none());
        }
    }
}
