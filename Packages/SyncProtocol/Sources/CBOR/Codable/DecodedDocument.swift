// SPDX-License-Identifier: MIT

/// Where an item is in a document.
struct ItemPlace {
    /// The position of its head in bytes.
    var offset: Int
    /// How many arrays and maps begin in front of it.
    var container: Int
}

/// An input that has been checked, in memory of its own, and where its arrays and maps end.
///
/// Whoever decodes may keep a decoder as long as it likes, so the input is copied. What has been
/// checked is read without looking at its bounds again.
final class DecodedDocument {
    /// Where the array or map ends, and the number of the first one behind it.
    private struct Extent: BitwiseCopyable {
        let end: Int
        let next: Int
    }

    let base: UnsafeMutableRawPointer
    let count: Int
    let options: CBORDecoder
    /// Whether coding keys stand as they are.
    let usesDefaultKeys: Bool
    /// The arrays and maps in the order of their heads.
    private var extents = RawStack<Extent>()
    private var roles: TypeRoles

    /// Copies an item, or several one after another, that a reader has checked.
    init(_ bytes: UnsafeRawBufferPointer, _ options: CBORDecoder) {
        count = bytes.count
        // A null for what is not there, and room to load eight bytes from anywhere.
        base = .allocate(byteCount: bytes.count + 10, alignment: 8)
        UnsafeMutableRawBufferPointer(start: base, count: count).copyMemory(from: bytes)
        (base + count).initializeMemory(as: UInt8.self, repeating: 0xF6, count: 10)
        self.options = options
        roles = TypeRoles(options.forms)
        if case .useDefaultKeys = options.keyDecodingStrategy {
            usesDefaultKeys = true
        } else {
            usesDefaultKeys = false
        }
        listExtents()
    }

    deinit {
        base.deallocate()
        extents.deallocate()
    }

    /// A null that no input has.
    var absent: ItemPlace { ItemPlace(offset: count, container: extents.count) }

    func role<T>(of type: T.Type) -> TypeRole { roles.role(of: type) }

    private func listExtents() {
        /// An array or map whose end has not come.
        struct Open: BitwiseCopyable {
            /// The items to come; no input comes to the end of those of an indefinite length.
            var left: UInt64
            let isIndefinite: Bool
            let container: Int
        }
        // What changes with every item is in values of its own, which stay in registers.
        var extents = RawStack<Extent>()
        var open = RawStack<Open>()
        defer { open.deallocate() }
        var innermost = Open(left: .max, isIndefinite: false, container: -1)
        var offset = 0
        while offset < count {
            let head = head(at: offset)
            switch head.major {
            case 4, 5:
                open.push(innermost)
                // A map has twice as many items as entries; all of them are there, so this fits.
                innermost = Open(
                    left: head.isIndefinite ? .max : head.argument &<< UInt64(head.major & 1),
                    isIndefinite: head.isIndefinite, container: extents.count)
                extents.push(Extent(end: 0, next: 0))
                offset = head.end
            case 6:
                offset = head.end
                continue
            default:
                offset = end(ofScalar: head)
                innermost.left &-= 1
            }
            while innermost.left == 0 || innermost.isIndefinite && byte(at: offset) == breakByte {
                if innermost.isIndefinite { offset += 1 }
                extents.base.unsafelyUnwrapped[innermost.container] = Extent(
                    end: offset, next: extents.count)
                innermost = open.pop()
                innermost.left &-= 1
            }
        }
        self.extents = extents
    }
}

extension DecodedDocument {
    @inline(__always)
    func byte(at offset: Int) -> UInt8 {
        base.load(fromByteOffset: offset, as: UInt8.self)
    }

    /// The head at an offset where there is one.
    @inline(__always)
    func head(at offset: Int) -> CBORHead {
        let byte = byte(at: offset)
        let info = byte & 0x1F
        if info < 24 {
            return CBORHead(initialByte: byte, argument: UInt64(info), end: offset + 1)
        }
        guard info < 28 else { return CBORHead(initialByte: byte, argument: 0, end: offset + 1) }
        let size = 1 &<< Int(info & 3)
        let word = base.loadUnaligned(fromByteOffset: offset + 1, as: UInt64.self)
        return CBORHead(
            initialByte: byte, argument: UInt64(bigEndian: word) &>> UInt64(64 &- 8 &* size),
            end: offset + 1 + size)
    }

    /// The content of a string of definite length.
    @inline(__always)
    func content(of head: CBORHead) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(
            start: base + head.end, count: Int(truncatingIfNeeded: head.argument))
    }

    /// Where a string or an item without content ends.
    @inline(__always)
    private func end(ofScalar head: CBORHead) -> Int {
        guard head.major == 2 || head.major == 3 else { return head.end }
        guard head.isIndefinite else {
            return head.end + Int(truncatingIfNeeded: head.argument)
        }
        var end = head.end
        while byte(at: end) != breakByte {
            let chunk = self.head(at: end)
            end = chunk.end + Int(truncatingIfNeeded: chunk.argument)
        }
        return end + 1
    }

    /// The place behind an item.
    @inline(__always)
    func place(after place: ItemPlace) -> ItemPlace {
        var head = head(at: place.offset)
        while head.major == 6 { head = self.head(at: head.end) }
        if head.major == 4 || head.major == 5 {
            // The array or map was listed, so there is a base.
            let extent = extents.base.unsafelyUnwrapped[place.container]
            return ItemPlace(offset: extent.end, container: extent.next)
        }
        return ItemPlace(
            offset: end(ofScalar: head), container: place.container)
    }

    @inline(__always)
    func isNull(at offset: Int) -> Bool { byte(at: offset) | 1 == 0xF7 }

    /// Reads the item at an offset with a reader of its own; offsets in errors are the input's.
    func read<T>(
        at offset: Int, _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        var reader = reader(at: offset)
        return try body(&reader)
    }

    func reader(at offset: Int) -> CBORReader {
        var reader = CBORReader(
            base: UnsafeRawPointer(base), count: count + 1, limits: .depthOnly(.max))
        reader.position = offset
        return reader
    }

    /// The key at an offset, or `nil` if it is neither text nor an integer that fits `Int`.
    func wireKey(at offset: Int) -> WireKey? {
        switch head(at: offset).major {
        case 0, 1:
            (try? read(at: offset) { r throws(CBORError) in try r.readInt() })
                .flatMap { Int(exactly: $0) }.map(WireKey.integer)
        case 3:
            (try? read(at: offset) { r throws(CBORError) in try r.readText() }).map(WireKey.text)
        default: nil
        }
    }
}
