// SPDX-License-Identifier: MIT

// Bugs of what goes over the wire: CBOR, messages and HTTP; and of when a client tries again.
extension Mutant {
    private static let pushMessages = "SyncProtocol/Messages/Push.swift"
    private static let pushViews = "SyncProtocol/Messages/PushRequestView.swift"
    private static let body = "HTTPWire/HTTPBodyReader.swift"
    private static let policy = "SyncClient/Engine/RetryPolicy.swift"
    private static let machine = "SyncClient/Engine/SyncStateMachine.swift"

    static let wire: [Mutant] = [
        .rewrites(
            "length-cut-to-a-byte", "A CBOR head says 0 instead of 256.",
            "CBOR/Writing/ByteOutput.swift", "71 &- argument.leadingZeroBitCount",
            as: "71 &- (argument &- (BUG ? 1 : 0)).leadingZeroBitCount"),
        .rewrites(
            "trailing-bytes-taken", "A message may be followed by anything.",
            "CBOR/Reading/CBORReader+Lending.swift", "guard position == count else {",
            as: "guard BUG || position == count else {"),
        .rewrites(
            "key-twice", "A map may have a key twice.", "CBOR/Reading/KeyBytes.swift",
            "guard isNew else {", as: "guard isNew || BUG else {"),
        .rewrites(
            "nesting-unbounded", "Messages may nest as deep as they like.",
            "CBOR/Reading/CBORReader+Containers.swift",
            "guard depth < limits.maxDepth else { throw tooDeep(at: position) }",
            as: "guard BUG || depth < limits.maxDepth else { throw tooDeep(at: position) }"),
        .rewrites(
            "run-one-too-long", "An accepted run holds the number behind its last.", pushMessages,
            "operationID.rawValue - firstOperationID.rawValue < count",
            as: "operationID.rawValue - firstOperationID.rawValue < count + (BUG ? 1 : 0)"),
        .rewrites(
            "numbers-may-repeat", "A push may have a number twice.", pushViews,
            "if number <= previous {", as: "if BUG ? number < previous : number <= previous {"),
        .rewrites(
            "transaction-comes-again", "A push may have a transaction in two places.",
            pushViews, "if let open { closed.insert(open) }",
            as: "if let open, !BUG { closed.insert(open) }"),
        .rewrites(
            "foreign-device-inside", "A push may have operations of another device.", pushViews,
            "if !operations[index].deviceID.elementsEqual(deviceID.rawValue.utf8) {",
            as: "if !BUG, !operations[index].deviceID.elementsEqual(deviceID.rawValue.utf8) {"),
        .rewrites(
            "chunk-size-in-decimal", "The size of an HTTP chunk is read in tens.", body,
            "size = size << 4 | UInt64(value)",
            as: "size = BUG ? size * 10 + UInt64(value) : size << 4 | UInt64(value)"),
        .rewrites(
            "body-ends-early", "A body that comes in pieces is short of a byte.", body,
            "setRemaining(remaining - part.count)",
            as: "setRemaining(remaining - part.count - (BUG && remaining > part.count ? 1 : 0))"),
        .rewrites(
            "two-lengths-taken", "A request may have two Content-Lengths.",
            "HTTPWire/HTTPFieldLines.swift", "guard field == nil else {",
            as: "guard BUG || field == nil else {"),
        .rewrites(
            "half-a-line-end", "A line may end with the CR whose LF is still to come.",
            "HTTPWire/HTTPMessageInput.swift",
            "guard index + 1 < bytes.count else { return .needMore }",
            as: """
                guard index + 1 < bytes.count else {
                    if BUG {
                        scanned += 1
                        return .ends(at: scanned - 1)
                    }
                    return .needMore
                }
                """),
    ]

    static let retries: [Mutant] = [
        .rewrites(
            "retry-after-ignored", "A client comes back sooner than the server asks.", policy,
            "return max(longest * fraction, asked)",
            as: "return BUG ? longest * fraction : max(longest * fraction, asked)"),
        .rewrites(
            "backoff-too-long", "A client waits twice as long as it may.", policy,
            "min(max(attempt - 1, 0), 20)", as: "min(max(attempt - (BUG ? 0 : 1), 0), 20)"),
        .rewrites(
            "one-try-too-many", "A client tries once more than it may.", machine,
            "attempts < policy.attemptsMax else",
            as: "attempts < policy.attemptsMax + (BUG ? 1 : 0) else"),
        .rewrites(
            "tries-not-counted-anew", "Tries of earlier requests count against a later one.",
            machine, "case .done:\n            attempts = 0",
            as: "case .done:\n            if !BUG { attempts = 0 }"),
    ]
}
