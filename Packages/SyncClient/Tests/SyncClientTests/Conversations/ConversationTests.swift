// SPDX-License-Identifier: MIT

import SyncProtocol
import SyncTestSupport
import Testing

@testable @_spi(Simulation) import SyncClient

/// The device's side of `TestVectors/conversations.json`: the bytes that it asks with, and what it
/// holds once it was answered.
@Suite(.timeLimit(.minutes(10))) struct ConversationTests {
    static let conversations = (try? ScriptedConversation.load()) ?? []

    @Test func thereAreManyConversations() {
        #expect(Self.conversations.count >= 20)
        #expect(Set(Self.conversations.map(\.id)).count == Self.conversations.count)
    }

    @Test(
        "asks what it has to ask, and holds what it has to hold",
        arguments: conversations.map(\.id))
    func keepsToTheScript(_ id: String) throws {
        let conversation = try #require(Self.conversations.first { $0.id == id })
        var device = try ConversingDevice(conversation.device)

        for (index, step) in conversation.steps.enumerated() {
            try device.perform(step)
            let findings = device.script.findings
            #expect(findings.isEmpty, "step \(index): \(findings.joined(separator: "\n"))")
            if let state = step.state {
                let found = try device.state()
                #expect(found == state, "step \(index)")
            }
            try #require(findings.isEmpty)
        }
    }

    @Test func noticesAnotherRequestAndAnotherState() throws {
        var conversation = try #require(Self.conversations.first { $0.id == "first-edit" })
        let sync = try #require(conversation.steps.firstIndex { $0.sync != nil })
        conversation.steps[sync].sync?[0].request.removeLast(2)
        conversation.steps[sync].state?.cursor += 1
        var device = try ConversingDevice(conversation.device)
        for step in conversation.steps { try device.perform(step) }

        #expect(device.script.findings.count == 1)
        #expect(try device.state() != conversation.steps[sync].state)
    }
}
