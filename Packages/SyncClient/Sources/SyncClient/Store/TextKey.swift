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
        a.text.utf8.elementsEqual(b.text.utf8)
    }

    static func < (a: TextKey, b: TextKey) -> Bool {
        a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
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
