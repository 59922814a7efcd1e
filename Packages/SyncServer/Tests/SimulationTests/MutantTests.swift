// SPDX-License-Identifier: MIT

import Foundation
import Testing

@testable import Simulation

/// The planted bugs fit the sources as they are.
@Suite struct MutantTests {
    /// The repository, found from where this file was compiled.
    private static let repository = URL(fileURLWithPath: #filePath).pathComponents.dropLast(5)
        .joined(separator: "/").dropFirst()

    @Test func everyPlaceIsThereExactlyOnce() throws {
        let planted = try MutantPlanter(source: String(Self.repository)).plantedFiles()

        for mutant in Mutant.all {
            #expect(!mutant.sites.isEmpty)
            for site in mutant.sites {
                #expect(
                    planted[site.path]?.contains("plantedBug(\"\(mutant.name)\")") == true,
                    "\(mutant.name) is not in \(site.path)")
            }
        }
    }

    @Test func eachBugHasANameOfItsOwnAndSaysWhatItBreaks() {
        #expect(Set(Mutant.all.map(\.name)).count == Mutant.all.count)
        for mutant in Mutant.all {
            #expect(mutant.name.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil, "\(mutant.name)")
            #expect(mutant.breaks.hasSuffix("."), "\(mutant.name)")
        }
    }

    @Test func theSourcesHaveNoBugPlanted() throws {
        #expect(!Mutant.areAllPlanted)
        for mutant in Mutant.all {
            for site in mutant.sites {
                let path = Self.repository + "/" + site.path
                #expect(!(try String(contentsOfFile: path, encoding: .utf8)).contains("plantedBug"))
            }
        }
    }

    @Test func plantingTwiceWritesNothingTheSecondTime() throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("planted-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let planter = MutantPlanter(source: String(Self.repository))
        let file = folder.appendingPathComponent(
            "Packages/SyncProtocol/Sources/RecordLog/PlantedBug.swift")

        try planter.plant(in: folder.path)
        let stray = folder.appendingPathComponent("Packages/SyncServer/Sources/stray.swift")
        try Data().write(to: stray)
        let old = Date(timeIntervalSince1970: 1_000_000)
        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: file.path)
        try planter.plant(in: folder.path)

        let date = try FileManager.default.attributesOfItem(atPath: file.path)[.modificationDate]
        #expect(date as? Date == old)
        #expect(!FileManager.default.fileExists(atPath: stray.path))
    }
}
