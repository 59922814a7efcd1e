// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#endif

/// How much of the heap a piece of work takes, with glibc's allocator.
///
/// The allocator is told never to give memory back, so that what it has from the system is the
/// most that was ever taken, and what of it is free at the end is at least what the work had beside
/// its result at any moment. Nothing is sampled or timed: the same work gives the same numbers.
public struct HeapUse: Sendable, Hashable {
    /// What the result takes.
    public var resultBytes: Int
    /// What the work took beside it at most, gaps between blocks included, if it did not use what
    /// was free before.
    public var extraBytes: Int
    /// What was free before: mostly for other threads. With this it is an upper bound.
    public var freeBytesBefore: Int

    /// Measures a piece of work. Let the process do nothing else before and meanwhile: memory that
    /// is free at the start is taken and never given back.
    ///
    /// - Returns: `nil` without glibc, or with an allocator in its place that does not tell.
    public static func measure<T>(_ work: () throws -> T) rethrows -> HeapUse? {
        #if canImport(Glibc)
            guard let heap = GlibcHeap() else { return nil }
            heap.keepMemory()
            heap.takeWhatIsFree()
            guard let before = heap.state() else { return nil }
            let result = try work()
            let after = heap.state()
            return withExtendedLifetime(result) {
                after.map { after in
                    HeapUse(
                        resultBytes: after.used - before.used,
                        extraBytes: after.free - before.free, freeBytesBefore: before.free)
                }
            }
        #else
            return nil
        #endif
    }
}

#if canImport(Glibc)
    /// The functions of glibc's `malloc.h`, which Swift's module of it leaves out.
    private struct GlibcHeap {
        struct State {
            /// From the system, all in all.
            var system: Int
            /// What of that is not in use.
            var free: Int
            var used: Int { system - free }
        }

        private typealias SetOption = @convention(c) (CInt, CInt) -> CInt
        private typealias WriteInfo = @convention(c) (CInt, UnsafeMutablePointer<FILE>) -> CInt

        private typealias Allocate = @convention(c) (Int) -> UnsafeMutableRawPointer?

        private let setOption: SetOption
        private let writeInfo: WriteInfo
        /// `malloc` by its address: the compiler leaves out calls of it that nobody uses.
        private let allocate: Allocate
        /// Where `writeInfo` writes to; made once, so that asking takes no memory for good.
        private let text: UnsafeMutableBufferPointer<CChar>

        init?() {
            guard let mallopt = dlsym(nil, "mallopt"), let info = dlsym(nil, "malloc_info"),
                let malloc = dlsym(nil, "malloc")
            else { return nil }
            setOption = unsafeBitCast(mallopt, to: SetOption.self)
            writeInfo = unsafeBitCast(info, to: WriteInfo.self)
            allocate = unsafeBitCast(malloc, to: Allocate.self)
            text = .allocate(capacity: 1 << 17)
            guard let state = state(), state.system > 0 else { return nil }
        }

        func keepMemory() {
            let (trimThreshold, topPad, mmapMax) = (-1 as CInt, -2 as CInt, -4 as CInt)
            _ = setOption(trimThreshold, .max)
            _ = setOption(topPad, 0)
            _ = setOption(mmapMax, 0)
        }

        /// Takes all blocks that are free, the large ones first.
        func takeWhatIsFree() {
            var size = 1 << 20
            while size >= 256, let before = state() {
                // Asking takes memory too, and so everything comes to an end.
                while let after = state(), after.system == before.system {
                    _ = allocate(size)
                }
                size /= 2
            }
        }

        func state() -> State? {
            guard let file = fmemopen(text.baseAddress, text.count, "w") else { return nil }
            _ = writeInfo(0, file)
            fclose(file)
            guard let start = text.baseAddress else { return nil }
            // What is said of the whole process is at the end, in less than so many bytes.
            return State(String(cString: start + max(0, strlen(start) - 512)))
        }
    }

    extension GlibcHeap.State {
        /// Reads what `malloc_info` writes: behind the last heap it says of the whole process
        ///
        ///     <total type="fast" count="0" size="0"/>
        ///     <total type="rest" count="1" size="124240"/>
        ///     <total type="mmap" count="0" size="0"/>
        ///     <system type="current" size="274432"/>
        fileprivate init?(_ text: String) {
            let words = text.split(separator: "\"")
            guard let last = words.lastIndex(where: { $0.hasSuffix("</heap>\n<total type=") })
            else { return nil }
            func size(_ name: String, _ distance: Int) -> Int? {
                words[last...].firstIndex { $0 == name }.flatMap { Int(words[$0 + distance]) }
            }
            guard let fast = size("fast", 4), let rest = size("rest", 4),
                let system = size("current", 2)
            else { return nil }
            self.init(system: system, free: fast + rest)
        }
    }
#endif
