// SPDX-License-Identifier: MIT

import SyncProtocol

// Each message as the JSON that its vectors show, written key by key and without any CBOR, so that
// a decoder that mixes up two keys cannot agree with itself.

protocol JSONProjecting {
    var json: JSON { get }
}

extension TextIdentifier {
    var json: JSON { .text(rawValue) }
}

extension WireNumber {
    var json: JSON { .number(rawValue) }
}

extension LogID {
    var json: JSON { .bytes(bytes) }
}

extension HandshakeRequest: JSONProjecting {
    var json: JSON {
        .object([
            "dbId": databaseID.json, "deviceId": deviceID.json, "clientInfo": clientInfo.json,
            "protocolVersion": .number(protocolVersion), "logId": logID?.json,
            "cursor": cursor?.json,
        ])
    }
}

extension ClientInfo: JSONProjecting {
    var json: JSON {
        let entries = metadata.map { (key: $0.key, value: JSON.text($0.value)) }
        return .object([
            "platform": .text(platform), "appVersion": .text(appVersion),
            "metadata": entries.isEmpty ? nil : .object(sorting: entries),
        ])
    }
}

extension HandshakeResponse: JSONProjecting {
    var json: JSON {
        .object([
            "serverCursor": serverCursor.json,
            "capabilities": .object(
                sorting: capabilities.map { (key: $0.key, value: .bool($0.value)) }),
            "protocolVersion": protocolVersion.map(JSON.number), "logId": logID?.json,
            "oldestCursor": oldestCursor?.json, "lastOpId": lastOperationID?.json,
            "limits": limits?.json, "serverTimeMs": serverTimeMilliseconds.map(JSON.number),
            "conflictPolicy": conflictPolicy?.json,
        ])
    }
}

extension SyncLimits: JSONProjecting {
    var json: JSON {
        .object([
            "maxPushOps": .number(maxPushOperations),
            "maxTransactionOps": .number(maxTransactionOperations),
            "maxPullOps": .number(maxPullOperations), "maxPageBytes": .number(maxPageBytes),
            "maxBodyBytes": .number(maxBodyBytes), "maxEntityBytes": .number(maxEntityBytes),
        ])
    }
}

extension ConflictPolicy: JSONProjecting {
    var json: JSON {
        guard !byCollection.isEmpty else { return .text(standard) }
        let entries = byCollection.map { (key: $0.key.rawValue, value: JSON.text($0.value)) }
        return .object(sorting: [(key: "", value: .text(standard))] + entries)
    }
}

extension PullRequest: JSONProjecting {
    var json: JSON {
        .object([
            "dbId": databaseID.json, "logId": logID?.json, "sinceCursor": sinceCursor.json,
            "limit": .number(limit), "collections": collections.map { .array($0.map(\.json)) },
            "deviceId": deviceID?.json, "includeOwn": includesOwn.map(JSON.bool),
            "maxBytes": maxBytes.map(JSON.number), "waitMs": waitMilliseconds.map(JSON.number),
            "snapshot": snapshot?.json,
        ])
    }
}

extension PullResponse: JSONProjecting {
    var json: JSON {
        .object([
            "ops": .array(operations.map(\.json)), "nextCursor": nextCursor.json,
            "hasMore": .bool(hasMore), "serverCursor": serverCursor?.json, "logId": logID?.json,
        ])
    }
}

extension SyncOperation: JSONProjecting {
    var json: JSON {
        let entries = labels.map { (key: $0.key.rawValue, value: $0.value.json) }
        return .object([
            "opId": operationID.json, "dbId": databaseID.json, "deviceId": deviceID.json,
            "collection": collection.json, "entityId": entityID.json, "opType": kind.json,
            "entityVersion": entityVersion.json, "entityCbor": entityCBOR.map(JSON.bytes),
            "timestampMs": .number(timestampMilliseconds), "hlc": hybridTimestamp?.json,
            "base": base?.json, "baseOpId": baseOperationID?.json,
            "transactionId": transactionID?.json,
            "labels": entries.isEmpty ? nil : .object(sorting: entries), "cursor": cursor?.json,
        ])
    }
}

extension SyncOperation.Kind {
    fileprivate var json: JSON {
        switch self {
        case .upsert: .text("upsert")
        case .delete: .text("delete")
        case .unknown(let name): .text(name)
        }
    }
}

extension SyncOperation.Label {
    fileprivate var json: JSON {
        switch self {
        case .text(let text): .text(text)
        case .number(let number): .number(number)
        case .flag(let flag): .bool(flag)
        }
    }
}

extension PushRequest: JSONProjecting {
    var json: JSON {
        .object([
            "dbId": databaseID.json, "deviceId": deviceID.json, "logId": logID?.json,
            "cursor": cursor?.json, "ops": .array(operations.map(\.json)),
        ])
    }
}

extension PushResponse: JSONProjecting {
    var json: JSON {
        // An older peer's answer, which has no `accepted`, has no `rejected` either.
        let showsRejected = accepted != nil || !rejected.isEmpty
        return .object([
            "acknowledgedUpToOpId": acknowledgedUpTo.json,
            "conflicts": .array(conflicts.map(\.json)), "serverCursor": serverCursor?.json,
            "accepted": accepted.map { .array($0.map(\.json)) },
            "rejected": showsRejected ? .array(rejected.map(\.json)) : nil,
        ])
    }
}

extension AcceptedRun: JSONProjecting {
    var json: JSON { .array([firstOperationID.json, firstCursor.json, .number(count)]) }
}

extension Rejection: JSONProjecting {
    var json: JSON {
        .object([
            "opId": operationID.json, "code": .text(code.rawValue), "message": .text(message),
        ])
    }
}

extension Conflict: JSONProjecting {
    var json: JSON {
        .object([
            "collection": collection.json, "entityId": entityID.json,
            "clientOp": clientOperation.json, "serverState": serverState.json,
        ])
    }
}

extension ServerState: JSONProjecting {
    var json: JSON {
        .object([
            "entityVersion": entityVersion.json, "entityCbor": entityCBOR.map(JSON.bytes),
            "deleted": .bool(isDeleted), "cursor": cursor?.json, "deviceId": deviceID?.json,
            "hlc": hybridTimestamp?.json, "lastModified": lastModifiedMilliseconds.map(JSON.number),
        ])
    }
}

extension ErrorResponse: JSONProjecting {
    var json: JSON {
        .object([
            "code": .number(code.rawValue), "message": .text(message),
            "details": details.isEmpty ? nil : details.json,
            "retryAfterSeconds": retryAfterSeconds.map(JSON.number),
            "requestId": requestID.map(JSON.text),
        ])
    }
}

extension ErrorResponse.Details {
    fileprivate var json: JSON {
        if let text { return .text(text) }
        return .object([
            "reason": reason.map(JSON.text), "oldestCursor": oldestCursor?.json,
            "serverCursor": serverCursor?.json, "logId": logID?.json,
            "limit": limit.map(JSON.text), "maximum": maximum.map(JSON.number),
        ])
    }
}

extension CursorReport: JSONProjecting {
    var json: JSON {
        .object(["dbId": databaseID.json, "deviceId": deviceID.json, "cursor": cursor.json])
    }
}

extension CursorAnswer: JSONProjecting {
    var json: JSON { .object(["cursor": cursor.json]) }
}
