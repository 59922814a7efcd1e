// SPDX-License-Identifier: MIT

/// The order of the keys of a map in deterministic encoding.
///
/// The two differ only where keys of different types are in one map: shorter text comes before
/// longer text, and smaller integers before larger ones of the same sign, in both.
@frozen public enum CBORKeyOrder: Sendable, Hashable {
    /// By the bytes of the encoded keys: Core Deterministic Encoding (RFC 8949 §4.2.1).
    case bytewise
    /// Shorter encoded keys first, and those of one length by their bytes (RFC 8949 §4.2.3), as
    /// "Canonical CBOR" of RFC 7049 has it.
    case lengthFirst
}
