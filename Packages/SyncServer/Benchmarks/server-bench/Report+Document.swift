// SPDX-License-Identifier: MIT

import Foundation

extension Report {
    /// The document with the numbers of this run.
    var document: String {
        """
        # The server next to others

        Measured by one run of `./setup.sh bench server`, which installs Redis, PostgreSQL and
        NATS from Debian's packages, starts them and our server on loopback with their data on
        the same disk, and ends them again. `./setup.sh bench server --write` makes this file
        and its charts anew.

        \(machine)

        ## What was to be reached

        \(Text.markdown(verdicts))

        The goals of opening are those of a log of 10,000,000 operations (`--operations
        10000000`); this run had \(Self.grouped(options.operations)).

        ![Pushes](server-push.svg)

        ![Pulls](server-pull.svg)

        ![Memory and opening](server-memory.svg)

        ## What is measured

        * Medians of \(options.rounds) rounds. A round measures a row for every system, one
          after the other, so that what else the machine does strikes all of them. Compare
          within a run, never between two.
        * An operation is an upsert of 250 bytes on one of 100,000 entities in ten collections.
          The peers are given the same bytes, which they store as they are. Our server decodes
          and validates them, finds duplicates, applies the conflict rule (each is made on the
          one before), keeps its index, and writes checksums and the hash chain.
        * A push is answered when it is on disk. Clients send a batch, wait for the answer, and
          send the next: all on one thread, with requests that were encoded before.
        * A pull reads all operations in pages of 1,000 from the start, one client, from a warm
          cache. With the filter a page has 1,000 operations of one collection of ten; the rate
          is of those that are returned.
        * "server µs/op" is the processor time of the server's processes for an operation, from
          `/proc/PID/stat`, in hundredths of a second: short rows have it roughly. "load" is the
          part of the time that the measuring program computed; a row above 90 % measured that
          program.
        * Resident memory is what the server's processes have after all operations were pushed
          to a fresh server, shared pages counted once. Opening lasts from the start of the
          process until its data can be used; the kill comes right after the last push, before
          any clean stop.

        How the others run:

        \(remarks)

        ## All rows

        \(Text.markdown(measurements))
        \(footnotes)
        """
    }

    private var machine: String {
        "This run: \(ProcessInfo.processInfo.activeProcessorCount) processors, the data on "
            + "\(options.fileSystem).\nBefore the start the machine had a load average of "
            + "\(Text.number(options.loadAtStart)), which is what others did on it;\n"
            + "the row of the disk says how busy that was."
    }

    private var remarks: String {
        systems.filter { $0 != Goal.own }.map { system in
            let version = options.peers[system].map { " \($0)" } ?? ""
            return "* \(system)\(version): \(results.remarks[system] ?? "")."
        }.joined(separator: "\n")
    }

    private var footnotes: String {
        absences.map { "\n* \($0)" }.joined()
    }

    private static func grouped(_ number: Int) -> String {
        var text = "\(number)"
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return text
    }
}
