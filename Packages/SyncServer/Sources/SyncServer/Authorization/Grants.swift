// SPDX-License-Identifier: MIT

import SyncProtocol

/// What a token permits. Names are compared by their bytes.
struct Grants: Equatable, Sendable {
    /// The databases.
    enum Databases: Equatable, Sendable {
        case all
        case only(Set<DatabaseID>)
    }

    var databases: Databases
    var devices: DevicePattern
    var collections: CollectionGrants

    /// Everything.
    static let all = Grants(databases: .all, devices: .all, collections: .all)

    func permits(_ databaseID: DatabaseID) -> Bool {
        switch databases {
        case .all: true
        case .only(let names): names.contains(databaseID)
        }
    }

    func permits(_ deviceID: DeviceID) -> Bool { devices.matches(deviceID) }

    /// Whether nothing of any database is hidden: what figures about all of them ask for.
    var readsEverything: Bool {
        databases == .all && devices.isAll && collections.readable == nil
    }
}

/// What may be done with a collection. Whoever writes one may read it: a conflict shows what is
/// there.
enum CollectionAccess: String, Equatable, Sendable {
    case read = "r"
    case readWrite = "rw"
}

/// What a token permits with each collection.
struct CollectionGrants: Equatable, Sendable {
    /// What holds for collections that are not named; `nil` is nothing.
    var standard: CollectionAccess?
    /// What holds for single collections, instead of that.
    var byName: [CollectionName: CollectionAccess] = [:]

    /// Everything with each collection.
    static let all = CollectionGrants(standard: .readWrite)

    /// Whether every collection may be written, so that no name needs to be looked up.
    var writesAll: Bool {
        standard == .readWrite && (byName.isEmpty || byName.values.allSatisfy { $0 == .readWrite })
    }

    /// Whether any collection may be written.
    var writesAny: Bool { standard == .readWrite || byName.values.contains(.readWrite) }

    /// The collections that may be read; `nil` is all.
    ///
    /// There is no third access beside `r` and `rw`, so a name never takes away what holds for all.
    var readable: [CollectionName]? { standard == nil ? Array(byName.keys) : nil }

    func canRead(_ name: CollectionName) -> Bool { standard != nil || byName[name] != nil }

    /// Whether the collection whose name is these bytes may be written.
    func canWrite(_ name: UnsafeRawBufferPointer) -> Bool {
        if byName.isEmpty { return standard == .readWrite }
        let named = byName[CollectionName(String(decoding: name, as: UTF8.self))]
        return (named ?? standard) == .readWrite
    }
}
