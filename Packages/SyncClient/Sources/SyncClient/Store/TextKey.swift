// SPDX-License-Identifier: MIT

/// A collection name or entity id as a key: equal, ordered and hashed by its UTF-8 bytes.
///
/// `String` would take canonically equivalent texts for one; on the wire they are two ids.
struct TextKey: Hashable, Comparable, Sendable {
    let text: String

    init(_ text: String) {
        var text = text
        text.makeContiguousUTF8()
        self.text = text
    }

    static func == (a: TextKey, b: TextKey) -> Bool {
        withBytes(a, b) { a, b in a.count == b.count && a.elementsEqual(b) }
    }

    static func < (a: TextKey, b: TextKey) -> Bool {
        withBytes(a, b) { a, b in a.lexicographicallyPrecedes(b) }
    }

    /// Compares buffers, as iterating over a string's own view takes several times as long.
    private static func withBytes(
        _ a: TextKey, _ b: TextKey,
        _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        var (a, b) = (a.text, b.text)
        return a.withUTF8 { a in b.withUTF8 { b in body(a, b) } }
    }

    func hash(into hasher: inout Hasher) {
        text.utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
    }

    /// Whether the bytes start with those of `prefix`.
    func hasPrefix(_ prefix: TextKey) -> Bool {
        text.utf8.starts(with: prefix.text.utf8)
    }
}
