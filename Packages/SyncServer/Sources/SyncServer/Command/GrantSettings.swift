// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a token is to permit, as it stands on the command line.
struct GrantSettings {
    var grants = Grants(databases: .only([]), devices: .all, collections: .all)
    /// Whether a collection was named; then the others are not permitted.
    private(set) var hasCollections = false

    var hasDatabases: Bool { grants.databases != .only([]) }

    /// Takes a database over; returns what is wrong with it, or `nil`.
    mutating func addDatabase(_ text: String) -> String? {
        if text.utf8.elementsEqual("*".utf8) {
            grants.databases = .all
            return nil
        }
        guard DatabaseID(text).isValid else { return "must be a database's name, or *" }
        if case .only(let names) = grants.databases {
            grants.databases = .only(names.union([DatabaseID(text)]))
        }
        return nil
    }

    /// Takes a collection over; returns what is wrong with it, or `nil`.
    mutating func addCollection(_ text: String) -> String? {
        // A collection may have = in its name; what may be done with it does not.
        guard let equals = text.utf8.lastIndex(of: UInt8(ascii: "=")),
            let access = CollectionAccess(
                rawValue: String(text[text.utf8.index(after: equals)...])),
            case let name = String(text[..<equals]), CollectionName(name).isValid
        else { return "must be NAME=r or NAME=rw, where NAME is a collection or *" }
        if !hasCollections { grants.collections = CollectionGrants() }
        hasCollections = true
        if name.utf8.elementsEqual("*".utf8) {
            grants.collections.standard = access
        } else {
            grants.collections.byName[CollectionName(name)] = access
        }
        return nil
    }
}

extension Grants {
    /// What is permitted, for people to read, a line each.
    var lines: [String] {
        let databases =
            switch databases {
            case .all: "all"
            case .only(let names): names.sorted().map(\.rawValue).joined(separator: ", ")
            }
        let named = collections.byName.sorted { $0.key < $1.key }
            .map { "\($0.key) (\($0.value.rawValue))" }
        let others = collections.standard.map {
            [named.isEmpty ? "all" : "others", "(\($0.rawValue))"]
        }
        let all = named + (others.map { [$0.joined(separator: " ")] } ?? [])
        return [
            "databases    \(databases.isEmpty ? "none" : databases)",
            "devices      \(devices.isAll ? "all" : devices.text)",
            "collections  \(all.isEmpty ? "none" : all.joined(separator: ", "))",
        ]
    }
}
