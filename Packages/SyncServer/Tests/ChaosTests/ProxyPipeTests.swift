// SPDX-License-Identifier: MIT

import Testing

@testable import entitysync_chaos

@Suite struct ProxyPipeTests {
    private func pipe(
        _ kind: FaultKind, after: Int = 0, milliseconds: Int = 100, dropBytes: Int = 1
    ) -> ProxyPipe {
        var pipe = ProxyPipe()
        pipe.spoil(
            WireFault(
                kind: kind, direction: .toServer, afterBytes: after, milliseconds: milliseconds,
                dropBytes: dropBytes))
        return pipe
    }

    /// Everything that may be written at `now`.
    private func taken(_ pipe: inout ProxyPipe, now: Double, isHealed: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        while let ready = pipe.ready(now: now, isHealed: isHealed) {
            bytes += ready
            pipe.wrote(ready.count)
        }
        return bytes
    }

    @Test func withoutAFaultEverythingPassesAndThenTheEnd() {
        var pipe = ProxyPipe()
        pipe.take([1, 2], now: 0, isHealed: false)
        #expect(pipe.endingNow == nil)
        pipe.take([], now: 0, isHealed: false)
        #expect(pipe.endingNow == nil)
        #expect(taken(&pipe, now: 0) == [1, 2])
        #expect(pipe.endingNow == .ordinary)
        #expect(!pipe.hasMetFault)
    }

    @Test(arguments: [
        (FaultKind.reset, ProxyPipe.Ending.reset), (.finish, .finish),
        (.halfCloseToServer, .halfClose), (.halfCloseToClient, .halfClose),
    ]) func aCutComesAfterItsBytes(kind: FaultKind, ending: ProxyPipe.Ending) {
        var pipe = pipe(kind, after: 3)
        pipe.take([1, 2], now: 0, isHealed: false)
        #expect(!pipe.hasMetFault)
        pipe.take([3, 4], now: 0, isHealed: false)
        pipe.take([5], now: 0, isHealed: false)
        #expect(pipe.hasMetFault)
        #expect(taken(&pipe, now: 0) == [1, 2, 3])
        #expect(pipe.endingNow == ending)
    }

    @Test func aBlackHoleSwallowsTheRestAndStaysOpen() {
        var pipe = pipe(.blackHoleToServer, after: 1)
        pipe.take([1, 2], now: 0, isHealed: false)
        pipe.take([3], now: 0, isHealed: false)
        #expect(taken(&pipe, now: 0) == [1])
        #expect(pipe.endingNow == nil)
        #expect(pipe.isBlackHole)
    }

    @Test func aDelayHoldsBytesAndTheirEndBack() {
        var pipe = pipe(.delay, milliseconds: 100)
        pipe.take([1], now: 1, isHealed: false)
        pipe.take([], now: 1, isHealed: false)
        #expect(taken(&pipe, now: 1.05) == [])
        #expect(pipe.endingNow == nil)
        #expect(taken(&pipe, now: 1.11) == [1])
        #expect(pipe.endingNow == .ordinary)
    }

    @Test func aTrickleGivesDropAfterDropInOrder() {
        var pipe = pipe(.trickle, milliseconds: 10, dropBytes: 2)
        pipe.take([1, 2, 3, 4, 5], now: 0, isHealed: false)
        #expect(taken(&pipe, now: 0.011) == [1, 2])
        #expect(taken(&pipe, now: 0.021) == [3, 4])
        pipe.take([6], now: 0.022, isHealed: false)
        #expect(taken(&pipe, now: 9) == [5, 6])
    }

    @Test func healingLetsEverythingPassAtOnce() {
        var pipe = pipe(.trickle, milliseconds: 1_000)
        pipe.take([1, 2, 3], now: 0, isHealed: false)
        #expect(taken(&pipe, now: 0, isHealed: true) == [1, 2, 3])
        pipe.take([4], now: 0, isHealed: true)
        #expect(taken(&pipe, now: 0, isHealed: true) == [4])
        var cut = self.pipe(.reset)
        cut.take([1], now: 0, isHealed: true)
        #expect(taken(&cut, now: 0) == [1])
        #expect(cut.endingNow == nil)
    }

    @Test func aConnectionThatIsSpoiledLateCountsFromThen() {
        var pipe = ProxyPipe()
        pipe.take([1, 2, 3], now: 0, isHealed: false)
        pipe.spoil(
            WireFault(
                kind: .reset, direction: .toServer, afterBytes: 1, milliseconds: 0, dropBytes: 1))
        pipe.take([4, 5], now: 0, isHealed: false)
        #expect(taken(&pipe, now: 0) == [1, 2, 3, 4])
        #expect(pipe.endingNow == .reset)
    }

    @Test func partOfWhatIsReadyMayBeWritten() {
        var pipe = ProxyPipe()
        pipe.take([1, 2, 3], now: 0, isHealed: false)
        pipe.wrote(1)
        #expect(taken(&pipe, now: 0) == [2, 3])
    }
}
