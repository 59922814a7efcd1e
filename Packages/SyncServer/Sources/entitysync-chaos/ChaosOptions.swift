// SPDX-License-Identifier: MIT

/// What a run was asked to do.
struct ChaosOptions: Equatable, Sendable {
    var minutes: Int?
    var rounds: Int?
    var seed: UInt64?
    var devices = 4
    var isJSON = false
    /// At which length of the log a device's store writes a checkpoint by itself: so small that
    /// kills and full disks also meet checkpoints and the joining of segments.
    var checkpointBytes = 128 << 10
    /// Only these kinds of fault; all if none are named.
    var only: [FaultKind] = []
    var keepsFiles = false

    /// How long faults go on in a round.
    static let faultMilliseconds = 1_200
    /// After so many rounds the server and the devices begin anew, with empty directories.
    static let roundsPerWorld = 8
    /// Without a number of rounds or minutes: each kind of fault alone, and as many mixed rounds.
    static let roundsByDefault = 2 * FaultKind.allCases.count

    static let help = """
        entitysync-chaos: the real server and real clients, on real files, with faults.

          --minutes N     go on for so many minutes
          --rounds N      so many rounds (default: \(roundsByDefault))
          --seed S        decides the faults and the edits (default: made up, and printed)
          --devices D     so many client processes, 2 to 16 (default: 4)
          --only KIND     only this kind of fault, as the table names it; may be repeated
          --checkpoint-bytes N
                          devices' stores write checkpoints at this length of their logs
                          (default: 131072)
          --keep          leave the files where they are, and say where
          --json          the report as JSON

        A round is a second of edits and syncs with faults; then everything is healed, all devices
        sync until they are quiet, and what they and the server hold is compared. Progress goes to
        standard error, the table to standard output. Exit status: 0 nothing was found, 1 something
        was, 64 wrong usage, 130 interrupted.

        """

    /// A command line that cannot be understood.
    struct UsageError: Error, Equatable {
        var message: String
    }

    init() {}

    init(_ words: [String]) throws(UsageError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "--json": isJSON = true
            case "--keep": keepsFiles = true
            case "--minutes", "--rounds", "--seed", "--devices", "--only", "--checkpoint-bytes":
                guard let value = rest.popFirst() else {
                    throw UsageError(message: "\(word) needs a value.")
                }
                try set(word, to: value)
            default: throw UsageError(message: "There is no option \(word).")
            }
        }
        if minutes != nil, rounds != nil {
            throw UsageError(message: "Give --minutes or --rounds, not both.")
        }
    }

    private mutating func set(_ option: String, to value: String) throws(UsageError) {
        switch option {
        case "--minutes": minutes = try number(option, value, 1...10_000)
        case "--rounds": rounds = try number(option, value, 1...1_000_000)
        case "--devices": devices = try number(option, value, 2...16)
        case "--checkpoint-bytes": checkpointBytes = try number(option, value, 1_024...(1 << 40))
        case "--seed":
            guard let seed = UInt64(value) else {
                throw UsageError(message: "--seed takes a whole number, not \"\(value)\".")
            }
            self.seed = seed
        default:
            guard let kind = FaultKind(rawValue: value) else {
                let names = FaultKind.allCases.map { "\"\($0.rawValue)\"" }
                throw UsageError(
                    message: "--only takes one of \(names.joined(separator: ", ")).")
            }
            only.append(kind)
        }
    }

    private func number(
        _ option: String, _ value: String, _ range: ClosedRange<Int>
    ) throws(UsageError) -> Int {
        guard let number = Int(value), range.contains(number) else {
            throw UsageError(
                message: "\(option) takes a number from \(range.lowerBound) to "
                    + "\(range.upperBound), not \"\(value)\".")
        }
        return number
    }
}
