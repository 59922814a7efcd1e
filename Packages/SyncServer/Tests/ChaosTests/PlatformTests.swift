// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import entitysync_chaos

@Suite struct PlatformTests {
    #if os(Linux)
        @Test func reportsNameWhatTheThreadsOfAProcessWaitFor() {
            let text = Platform.threads(of: getpid())
            // This very thread runs.
            #expect(text.contains("R "))
        }
    #endif
}
