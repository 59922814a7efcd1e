// SPDX-License-Identifier: MIT

import FuzzTargets

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The target that the environment names.
private let target: FuzzTarget = {
    guard let name = getenv("ENTITYSYNC_FUZZ_TARGET").map({ String(cString: $0) }),
        let target = FuzzTarget(rawValue: name)
    else { fatalError("ENTITYSYNC_FUZZ_TARGET must name a target.") }
    return target
}()

/// What libFuzzer calls with every input. A broken rule ends the process, which then writes the
/// input down.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do throws(FuzzFailure) {
        try target.run(Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    } catch {
        fatalError("\(error)")
    }
}
