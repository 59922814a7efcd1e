// SPDX-License-Identifier: MIT

import SyncProtocol
import Testing

@testable import SyncServer

/// What a token permits: databases, devices and collections.
@Suite struct GrantsTests {
    private func grants(_ text: String) throws -> Grants {
        try Grants(try ParsedJSON(Array(text.utf8)))
    }

    private func canWrite(_ grants: Grants, _ name: String) -> Bool {
        var name = name
        return name.withUTF8 { grants.collections.canWrite(UnsafeRawBufferPointer($0)) }
    }

    @Test func theClaimsArePermittedAndNothingElse() throws {
        let grants = try grants(
            #"{"db":["notes","plants"],"device":"phone-7","collections":{"a":"rw","log":"r"}}"#)

        #expect(grants.permits(DatabaseID("notes")) && grants.permits(DatabaseID("plants")))
        #expect(!grants.permits(DatabaseID("note")) && !grants.permits(DatabaseID("*")))
        #expect(grants.permits(DeviceID("phone-7")))
        #expect(!grants.permits(DeviceID("phone-70")) && !grants.permits(DeviceID("phone-")))
        #expect(canWrite(grants, "a") && !canWrite(grants, "log") && !canWrite(grants, "b"))
        #expect(Set(grants.collections.readable ?? []) == ["a", "log"])
        #expect(!grants.readsEverything && grants.collections.writesAny)
        #expect(!grants.collections.writesAll)
    }

    @Test func starsPermitAll() throws {
        let grants = try grants(
            #"{"db":"*","device":"*","collections":{"*":"r","mine":"rw"}}"#)

        #expect(grants.permits(DatabaseID("any")) && grants.permits(DeviceID("any")))
        #expect(grants.readsEverything)
        #expect(!canWrite(grants, "any") && canWrite(grants, "mine"))
        #expect(grants.collections.readable == nil)
        #expect(try self.grants(#"{"db":["*"],"device":"*"}"#).databases == .all)
    }

    @Test func withoutCollectionsAllAreWritten() throws {
        let grants = try grants(#"{"db":"notes","device":"a*"}"#)

        #expect(grants.collections.writesAll && canWrite(grants, "x"))
        #expect(grants.permits(DatabaseID("notes")) && !grants.permits(DatabaseID("x")))
        #expect(!grants.readsEverything)
    }

    @Test func aNameHidesWhatHoldsForAll() throws {
        let grants = try grants(#"{"db":"*","device":"*","collections":{"*":"rw","log":"r"}}"#)

        #expect(canWrite(grants, "x") && !canWrite(grants, "log"))
        #expect(!grants.collections.writesAll)
    }

    @Test func noCollectionsAreNone() throws {
        let grants = try grants(#"{"db":"*","device":"*","collections":{}}"#)

        #expect(grants.collections.readable?.isEmpty ?? false)
        #expect(!grants.collections.writesAny && !canWrite(grants, "x"))
    }

    /// `é` as one scalar and as two is one text to Swift, and two names to the protocol.
    @Test func namesAreComparedByTheirBytes() throws {
        let grants = try grants(#"{"db":"*","device":"*","collections":{"\u00e9":"rw"}}"#)

        #expect(canWrite(grants, "\u{E9}") && !canWrite(grants, "e\u{301}"))
        #expect(!grants.collections.canRead("e\u{301}"))
    }

    @Test(arguments: [
        #"{}"#, #"{"db":"*"}"#, #"{"device":"*"}"#, #"{"db":7,"device":"*"}"#,
        #"{"db":["a",7],"device":"*"}"#, #"{"db":"a b","device":"*"}"#, #"{"db":"","device":"*"}"#,
        #"{"db":"..","device":"*"}"#, #"{"db":"*","device":7}"#, #"{"db":"*","device":""}"#,
        #"{"db":"*","device":"a*b"}"#, #"{"db":"*","device":"**"}"#,
        #"{"db":"*","device":"~server"}"#, #"{"db":"*","device":["a"]}"#,
        #"{"db":"*","device":"*","collections":"rw"}"#,
        #"{"db":"*","device":"*","collections":null}"#,
        #"{"db":"*","device":"*","collections":{"a":"w"}}"#,
        #"{"db":"*","device":"*","collections":{"a":"RW"}}"#,
        #"{"db":"*","device":"*","collections":{"a":true}}"#,
        #"{"db":"*","device":"*","collections":{"":"r"}}"#, #"[]"#, #""*""#,
    ])
    func claimsThatAreNotOursPermitNothing(text: String) {
        #expect(throws: ClaimError.self) { try grants(text) }
    }

    @Test func claimsAreWrittenAsTheyAreRead() throws {
        for text in [
            #"{"db":["a","b"],"device":"p*","collections":{"*":"r","x":"rw"}}"#,
            #"{"db":"*","device":"p","collections":{"*":"rw"}}"#,
            #"{"db":[],"device":"*","collections":{}}"#,
        ] {
            #expect(JSONValue.object(try grants(text).members).line == text)
        }
    }

    @Test func aPatternMatchesWhatBeginsSo() throws {
        let all = try #require(DevicePattern("*"))
        let prefix = try #require(DevicePattern("a.*"))
        let one = DevicePattern(DeviceID("a.b"))

        #expect(all.matches("x") && all.isAll && !prefix.isAll)
        #expect(prefix.matches("a.b") && prefix.matches("a.") && !prefix.matches("ab"))
        #expect(one.matches("a.b") && !one.matches("a.bc"))
        #expect(all.covers(prefix) && prefix.covers(one) && !one.covers(prefix))
        #expect(!prefix.covers(all) && one.covers(one) && prefix.covers(prefix))
        #expect(one.device == "a.b" && prefix.device == nil)
    }
}
