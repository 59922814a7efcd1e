// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable import SyncServer

/// The service against the reference server, on random pushes with restarts and crashes between.
@Suite struct RandomPushTests {
    @Test(arguments: 0..<60 as Range<UInt64>)
    func answersAsTheReferenceServerDoes(seed: UInt64) throws {
        var random = RandomPushes(seed: seed)
        var configuration = ServiceConfiguration()
        configuration.segmentBytesMax = random.chance(50) ? 600 : 1 << 20
        let server = try ServiceUnderTest(configuration)
        var reference = ReferenceServer()
        for step in 0..<80 {
            // Several pushes share a commit now and then, and a crash may come before it.
            let durable = reference
            var boxes: [(AnswerBox, PushResponse)] = []
            for _ in 0...(random.chance(30) ? 3 : 0) {
                let (device, operations) = random.nextPush(reference)
                let box = try server.stage(operations, device: device)
                boxes.append((box, reference.push(operations, from: device)))
            }
            if random.chance(5) {
                try server.crash(using: &random.generator)
                reference = durable
            } else {
                server.service.commit()
                for (box, expected) in boxes {
                    try #require(
                        try box.message(PushResponse.self).plain == expected,
                        "seed \(seed), step \(step)")
                }
            }
            if random.chance(5) { try server.restart() }
            if random.chance(5) { try server.crash(using: &random.generator) }
            let request = random.nextPull(reference)
            let page: PullResponse = try server.startPull(request).box.message()
            let fault = reference.fault(of: page, request)
            try #require(fault == nil, "seed \(seed), step \(step), \(request)")
        }
        #expect(try server.wholeLog() == reference.log)
        #expect(reference.log.count > 20)
        // Torn tails are cut and told of; nothing else ever happens.
        #expect(server.told.allSatisfy { $0.contains("that nobody was told of") })
    }
}
