// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The disk by itself: what a write of a batch of 100 and its sync take, one after the other, in a
/// file that was filled with zeros before. No server that waits for each batch can be faster.
struct Disk {
    static let name = "the disk"
    static let row = "disk"
    private static let writeBytes = 25_600
    private static let fileBytes = 16 << 20

    /// A file in the folder, which whoever made the folder removes.
    private let path: String

    init(folder: String) { path = folder + "/disk" }

    func measure(seconds: Double) throws -> Sample {
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { throw Failure(call: path) }
        defer { close(descriptor) }
        let zeros = [UInt8](repeating: 0, count: Self.fileBytes)
        guard pwrite(descriptor, zeros, zeros.count, 0) == zeros.count, fsync(descriptor) == 0
        else { throw Failure(call: path) }
        let bytes = [UInt8](repeating: 1, count: Self.writeBytes)
        var latencies: [UInt64] = []
        let start = Platform.nanoseconds
        let end = start + UInt64(seconds * 1e9)
        var place = 0
        while Platform.nanoseconds < end {
            let begun = Platform.nanoseconds
            guard pwrite(descriptor, bytes, bytes.count, off_t(place)) == bytes.count,
                Self.sync(descriptor) == 0
            else { throw Failure(call: path) }
            latencies.append(Platform.nanoseconds - begun)
            place = (place + bytes.count) % (Self.fileBytes - bytes.count)
        }
        let outcome = Outcome(
            operations: latencies.count, seconds: Double(Platform.nanoseconds - start) / 1e9,
            latencies: latencies.sorted())
        return Sample(
            value: outcome.rate, p50Milliseconds: outcome.latency(0.5),
            p99Milliseconds: outcome.latency(0.99))
    }

    private static func sync(_ descriptor: CInt) -> CInt {
        #if canImport(Darwin)
            fcntl(descriptor, F_FULLFSYNC)
        #else
            fdatasync(descriptor)
        #endif
    }
}
