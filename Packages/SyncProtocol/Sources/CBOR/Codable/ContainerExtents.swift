// SPDX-License-Identifier: MIT

/// Where the arrays and maps of a document end, so that they need not be stepped through.
///
/// All of them would take more memory than many results do. So there is room for a thousand: when
/// it is full, the small ones are struck out, and what is small is doubled. Stepping through those
/// costs little, for they are small. Only arrays and maps that are open at the same time may be
/// more.
struct ContainerExtents {
    /// An array or map; one whose end is 0 is still open while the list is made.
    private struct Extent: BitwiseCopyable {
        let start: Int
        var end: Int
        /// The number of the first one that begins behind the end.
        var next = 0
    }

    /// An array or map whose end has not come.
    private struct Open: BitwiseCopyable {
        /// The items to come; no input comes to the end of those of an indefinite length.
        var left: UInt64
        let isIndefinite: Bool
        /// Its number in the list.
        var extent: Int
    }

    /// In the order of their heads.
    private var extents = RawStack<Extent>()
    /// How many there is room for.
    private var countMax = 1_024
    /// Arrays and maps of fewer bytes are not listed.
    private var bytesMin = 0

    func deallocate() { extents.deallocate() }

    /// The place behind the array or map at an offset, if it is listed.
    ///
    /// - Parameter number: How many of the list begin in front of it.
    @inline(__always)
    func place(afterContainerAt offset: Int, number: Int) -> ItemPlace? {
        guard number < extents.count else { return nil }
        // There are some, so there is a base.
        let extent = extents.base.unsafelyUnwrapped[number]
        guard extent.start == offset else { return nil }
        return ItemPlace(offset: extent.end, container: extent.next)
    }

    /// Lists those of a document.
    mutating func list(in document: DecodedDocument) {
        // What changes with every item is in values of its own, which stay in registers.
        var list = self
        var open = RawStack<Open>()
        defer { open.deallocate() }
        var innermost = Open(left: .max, isIndefinite: false, extent: -1)
        var offset = 0
        while offset < document.count {
            let head = document.head(at: offset)
            switch head.major {
            case 4, 5:
                if list.extents.count >= list.countMax { list.strikeOutSmall(&open, &innermost) }
                open.push(innermost)
                innermost = Open(
                    left: head.isIndefinite ? .max : UInt64(head.itemCount),
                    isIndefinite: head.isIndefinite, extent: list.extents.count)
                list.extents.push(Extent(start: offset, end: 0))
                offset = head.end
            case 6:
                offset = head.end
                continue
            default:
                offset = document.end(ofScalar: head)
                innermost.left &-= 1
            }
            while innermost.left == 0
                || innermost.isIndefinite && document.byte(at: offset) == breakByte
            {
                if innermost.isIndefinite { offset += 1 }
                list.close(innermost.extent, at: offset)
                innermost = open.pop()
                innermost.left &-= 1
            }
        }
        list.linkNext()
        self = list
    }

    /// Notes where an array or map ends; behind it only those inside it are listed.
    @inline(__always)
    private mutating func close(_ number: Int, at end: Int) {
        // It was pushed, so there is a base.
        let extent = extents.base.unsafelyUnwrapped + number
        if end - extent.pointee.start < bytesMin {
            // What is inside is smaller still, so this is the last one.
            extents.count = number
        } else {
            extent.pointee.end = end
        }
    }

    /// Makes room: leaves out what has ended and is small, until half of the list is free or no
    /// more can be.
    @inline(never)
    private mutating func strikeOutSmall(_ open: inout RawStack<Open>, _ innermost: inout Open) {
        guard let base = extents.base else { return }
        while extents.count > countMax / 2 {
            bytesMin = max(64, 2 * bytesMin)
            var kept = 0
            var openCount = 0
            for number in 0..<extents.count {
                let extent = base[number]
                if extent.end == 0 {
                    // The sentinel is below the first open one.
                    openCount += 1
                    if openCount < open.count {
                        open.base.unsafelyUnwrapped[openCount].extent = kept
                    } else {
                        innermost.extent = kept
                    }
                } else if extent.end - extent.start < bytesMin {
                    continue
                }
                base[kept] = extent
                kept += 1
            }
            extents.count = kept
            if openCount == kept { countMax = max(countMax, 2 * kept) }
        }
    }

    /// Finds out for each which one begins behind its end.
    private mutating func linkNext() {
        guard let base = extents.base else { return }
        for number in (0..<extents.count).reversed() {
            var next = number + 1
            while next < extents.count, base[next].start < base[number].end {
                next = base[next].next
            }
            base[number].next = next
        }
    }
}
