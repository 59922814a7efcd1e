// SPDX-License-Identifier: MIT

/// Where an item is in a document.
struct ItemPlace {
    /// The position of its head in bytes.
    var offset: Int
    /// How many of the arrays and maps that are listed begin in front of it.
    var container: Int
}

/// Where in the input the bytes of a document are.
struct DocumentOrigin {
    /// The position of the first byte.
    var start = 0
    /// How many bytes in front of it the document has of its own.
    var prefix = 0
    /// How many bytes stand for one.
    var scale = 1

    func position(of offset: Int) -> Int { start + max(0, offset - prefix) / scale }
}

/// An input that has been checked, and where its large arrays and maps end.
///
/// The input is read where it lies. Whoever decodes may keep a decoder as long as it likes; then
/// the document takes a copy before the input's memory goes away. What has been checked is read
/// without looking at its bounds again.
final class DecodedDocument {
    // A call to look for overlapping uses would cost more than most reads. It changes only while
    // nothing is decoded.
    @exclusivity(unchecked) private var base: UnsafeRawPointer
    let count: Int
    /// What errors say of positions.
    let origin: DocumentOrigin
    let options: CBORDecoder
    /// Whether coding keys stand as they are.
    let usesDefaultKeys: Bool
    @exclusivity(unchecked) private var extents = ContainerExtents()
    private var roles: TypeRoles

    /// The last bytes of the input, behind which eight more can be loaded: heads are read from here
    /// where that would reach beyond the input.
    private let tail: UnsafeMutableRawPointer
    private let tailStart: Int
    private static let headBytesMax = 9
    /// Memory that is freed with the document.
    private var copy: UnsafeMutableRawPointer?

    /// A document of an item, or of several one after another, that a reader has checked.
    ///
    /// - Precondition: The memory stays as it is until `keepInput()` or the end of the document.
    init(
        borrowing bytes: UnsafeRawBufferPointer, origin: DocumentOrigin = DocumentOrigin(),
        _ options: CBORDecoder
    ) {
        count = bytes.count
        self.origin = origin
        self.options = options
        roles = TypeRoles(options.forms)
        if case .useDefaultKeys = options.keyDecodingStrategy {
            usesDefaultKeys = true
        } else {
            usesDefaultKeys = false
        }
        tail = .allocate(byteCount: 2 * Self.headBytesMax, alignment: 8)
        tail.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Self.headBytesMax)
        tailStart = max(0, count - Self.headBytesMax)
        // A sequence of no items may have no memory, and nothing is read of it.
        base = bytes.baseAddress ?? UnsafeRawPointer(tail)
        tail.copyMemory(from: base + tailStart, byteCount: count - tailStart)
        extents.list(in: self)
    }

    /// A document of items that stand for something in an input, with memory of its own.
    convenience init(copying bytes: [UInt8], origin: DocumentOrigin, _ options: CBORDecoder) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        copy.copyBytes(from: bytes)
        self.init(borrowing: UnsafeRawBufferPointer(copy), origin: origin, options)
        self.copy = copy.baseAddress
    }

    deinit {
        tail.deallocate()
        copy?.deallocate()
        extents.deallocate()
    }

    /// Copies the input, for decoders that are used when its memory is no longer there.
    func keepInput() {
        let copy = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 1)
        copy.copyMemory(from: base, byteCount: count)
        base = UnsafeRawPointer(copy)
        self.copy?.deallocate()
        self.copy = copy
    }

    func role<T>(of type: T.Type) -> TypeRole { roles.role(of: type) }

    /// What an error in this document means for a value of some type.
    func decodingError(
        _ error: CBORError, _ type: any Any.Type, at offset: Int, path: [any CodingKey]
    ) -> DecodingError {
        DecodingError(
            error.moved(to: origin.position(of: error.offset)), type: type,
            isNull: isNull(at: offset), path: path)
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
        offset < tailStart
            ? head(at: offset, base + offset) : head(at: offset, tail + (offset - tailStart))
    }

    /// The head at an offset that is at `start` in memory, where nine bytes can be loaded.
    @inline(__always)
    private func head(at offset: Int, _ start: UnsafeRawPointer) -> CBORHead {
        let byte = start.load(as: UInt8.self)
        let info = byte & 0x1F
        if info < 24 {
            return CBORHead(initialByte: byte, argument: UInt64(info), end: offset + 1)
        }
        guard info < 28 else { return CBORHead(initialByte: byte, argument: 0, end: offset + 1) }
        let size = 1 &<< Int(info & 3)
        let word = start.loadUnaligned(fromByteOffset: 1, as: UInt64.self)
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
    func end(ofScalar head: CBORHead) -> Int {
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
        var offset = place.offset
        var head = head(at: offset)
        while head.major == 6 {
            offset = head.end
            head = self.head(at: offset)
        }
        guard head.major == 4 || head.major == 5 else {
            return ItemPlace(offset: end(ofScalar: head), container: place.container)
        }
        return extents.place(afterContainerAt: offset, number: place.container)
            ?? ItemPlace(offset: end(ofContainer: head), container: place.container)
    }

    /// The place of the first item inside an array or a map.
    func place(inside place: ItemPlace) -> ItemPlace {
        let isListed = extents.place(afterContainerAt: place.offset, number: place.container) != nil
        return ItemPlace(
            offset: head(at: place.offset).end, container: place.container + (isListed ? 1 : 0))
    }

    /// Where an array or map ends that is not listed, found by stepping over all in it.
    @inline(never)
    private func end(ofContainer head: CBORHead) -> Int {
        // Inside an indefinite length nothing is counted: its break is the first one that is not
        // that of another one inside.
        var breaks = head.isIndefinite ? 1 : 0
        var left = head.itemCount
        var offset = head.end
        while breaks > 0 || left > 0 {
            if breaks > 0, byte(at: offset) == breakByte {
                breaks -= 1
                offset += 1
                continue
            }
            let head = self.head(at: offset)
            let isCounted = breaks == 0
            if isCounted { left -= 1 }
            switch head.major {
            case 4, 5:
                if head.isIndefinite { breaks += 1 } else if isCounted { left += head.itemCount }
                offset = head.end
            case 6:
                if isCounted { left += 1 }
                offset = head.end
            default: offset = end(ofScalar: head)
            }
        }
        return offset
    }

    @inline(__always)
    func isNull(at offset: Int) -> Bool { byte(at: offset) | 1 == 0xF7 }

    /// Reads the item at an offset with a reader of its own.
    func read<T>(
        at offset: Int, _ body: (inout CBORReader) throws(CBORError) -> T
    ) throws(CBORError) -> T {
        var reader = reader(at: offset)
        return try body(&reader)
    }

    func reader(at offset: Int) -> CBORReader {
        var reader = CBORReader(base: base, count: count, limits: .depthOnly(.max))
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

    /// Whether the bytes from `offset` on are these.
    @inline(__always)
    func hasBytes(_ bytes: UnsafeRawPointer, count: Int, at offset: Int) -> Bool {
        areEqual(base + offset, bytes, count: count)
    }
}

extension CBORHead {
    /// How many items stand directly in an array or map that a reader has seen; 0 if its length is
    /// indefinite.
    var itemCount: Int {
        // All of them are there, so the number fits.
        Int(truncatingIfNeeded: major == 5 ? 2 &* argument : argument)
    }
}
