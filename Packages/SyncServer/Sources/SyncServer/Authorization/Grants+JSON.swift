// SPDX-License-Identifier: MIT

import SyncProtocol

// The three claims, alike in a JWT and in a line of a token file:
//
//     "db": "*"  or  ["notes", "plants"]          or one name alone
//     "device": "phone-7"  or  "alice-*"  or  "*"
//     "collections": {"notes": "rw", "log": "r", "*": "r"}      may be left out: all, "rw"

extension Grants {
    /// Reads the claims.
    ///
    /// What is not claimed is not permitted; `collections` alone may be left out.
    init(_ claims: ParsedJSON) throws(ClaimError) {
        guard let devices = claims["device"]?.text.flatMap({ DevicePattern($0) }) else {
            throw ClaimError(
                description: "\"device\" has to be a device's name, or the beginning of one and *")
        }
        self.init(
            databases: try Self.databases(claims["db"]), devices: devices,
            collections: try CollectionGrants(claims["collections"]))
    }

    private static func databases(_ claim: ParsedJSON?) throws(ClaimError) -> Databases {
        let names: [String?]
        switch claim {
        case .text(let name): names = [name]
        case .array(let values): names = values.map(\.text)
        default: names = [nil]
        }
        var found: Set<DatabaseID> = []
        for name in names {
            if let name, name.utf8.elementsEqual("*".utf8) { return .all }
            guard let name, DatabaseID(name).isValid else {
                throw ClaimError(description: "\"db\" has to be a list of databases, or *")
            }
            found.insert(DatabaseID(name))
        }
        return .only(found)
    }

    /// The claims, for a token or for a person to read.
    var members: [JSONValue.Member] {
        let names: JSONValue =
            switch databases {
            case .all: .text("*")
            case .only(let names): .array(names.sorted().map { .text($0.rawValue) })
            }
        return [
            .init("db", names), .init("device", .text(devices.text)),
            .init("collections", collections.json),
        ]
    }
}

extension CollectionGrants {
    fileprivate init(_ claim: ParsedJSON?) throws(ClaimError) {
        guard let claim else {
            self = .all
            return
        }
        self.init()
        let fault = ClaimError(
            description: "\"collections\" has to be an object of names of collections, or *, each "
                + "with \"r\" or \"rw\"")
        guard case .object(let members) = claim else { throw fault }
        for (name, value) in members {
            guard let access = value.text.flatMap({ CollectionAccess(rawValue: $0) }) else {
                throw fault
            }
            let collection = CollectionName(name)
            if name.utf8.elementsEqual("*".utf8) {
                standard = access
            } else if collection.isValid {
                byName[collection] = access
            } else {
                throw fault
            }
        }
    }

    fileprivate var json: JSONValue {
        let all = standard.map { [JSONValue.Member("*", .text($0.rawValue))] } ?? []
        return .object(
            all
                + byName.sorted { $0.key < $1.key }
                .map { JSONValue.Member($0.key.rawValue, .text($0.value.rawValue)) })
    }
}

/// Why claims are none of ours.
struct ClaimError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, without a word of the content.
    var description: String
}
