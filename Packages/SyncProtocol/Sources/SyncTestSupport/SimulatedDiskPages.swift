// SPDX-License-Identifier: MIT

/// The content of a simulated file, in pages that copies share until one of them writes.
struct SimulatedDiskPages: Sendable, Equatable {
    static let pageBytes = 4096

    /// A page that is `nil` holds zeros. Behind `size` every byte of the last page is zero.
    private(set) var pages: [[UInt8]?] = []
    private(set) var size = 0

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
        let count = max(0, min(buffer.count, size - offset))
        Self.forEachPart(of: offset..<offset + count) { page, inPage, inRange in
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[inRange])
            if let bytes = pages[page] {
                bytes.withUnsafeBytes {
                    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[inPage]))
                }
            } else {
                _ = target.initializeMemory(as: UInt8.self, repeating: 0)
            }
        }
        return count
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        if bytes.isEmpty { return }
        resize(to: max(size, offset + bytes.count))
        Self.forEachPart(of: offset..<offset + bytes.count) { page, inPage, inRange in
            fillPage(page)
            pages[page]?.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[inPage])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[inRange]))
            }
        }
    }

    mutating func resize(to newSize: Int) {
        let pageCount = (newSize + Self.pageBytes - 1) / Self.pageBytes
        if pageCount < pages.count {
            pages.removeLast(pages.count - pageCount)
        } else if pageCount > pages.count {
            pages.append(contentsOf: repeatElement(nil, count: pageCount - pages.count))
        }
        size = newSize
        zeroTail()
    }

    /// Takes page `index` from `other` as far as both files reach: cutting a file off changes its
    /// length and no page.
    mutating func copyPage(_ index: Int, from other: SimulatedDiskPages) {
        guard index < pages.count, index < other.pages.count else { return }
        pages[index] = other.pages[index]
        if index == pages.count - 1 { zeroTail() }
    }

    mutating func flip(bit: Int, ofByte byte: Int) {
        guard byte < size else { return }
        let page = byte / Self.pageBytes
        fillPage(page)
        pages[page]?[byte % Self.pageBytes] ^= 1 << UInt8(bit)
    }

    /// The pages that bytes in `range` lie in.
    static func pages(of range: Range<Int>) -> Range<Int> {
        range.isEmpty
            ? 0..<0 : range.lowerBound / pageBytes..<(range.upperBound - 1) / pageBytes + 1
    }

    private mutating func zeroTail() {
        let used = size % Self.pageBytes
        if used == 0 || pages.last.flatMap({ $0 }) == nil { return }
        pages[pages.count - 1]?.withUnsafeMutableBytes {
            _ = UnsafeMutableRawBufferPointer(rebasing: $0[used...])
                .initializeMemory(as: UInt8.self, repeating: 0)
        }
    }

    private mutating func fillPage(_ index: Int) {
        if pages[index] == nil { pages[index] = [UInt8](repeating: 0, count: Self.pageBytes) }
    }

    /// Splits `range` at page borders: the page, the part inside the page, and the part of `range`.
    private static func forEachPart(
        of range: Range<Int>, _ body: (Int, Range<Int>, Range<Int>) -> Void
    ) {
        for page in pages(of: range) {
            let start = max(range.lowerBound, page * pageBytes)
            let end = min(range.upperBound, (page + 1) * pageBytes)
            body(
                page, start - page * pageBytes..<end - page * pageBytes,
                start - range.lowerBound..<end - range.lowerBound)
        }
    }
}
