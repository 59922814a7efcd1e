// SPDX-License-Identifier: MIT

/// Something happened behind which nothing more is promised, so that the story ends there.
///
/// A number of a device and its copy stood for something that is gone from the log: nobody can tell
/// any more that another edit comes under it, and it counts as a duplicate.
struct BeyondPromises: Error {}

/// A rule that did not hold.
public struct SimulationFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// The rule's name, one of few: what a failure is compared by while it is shrunk.
    public var rule: String
    /// What was seen instead.
    public var detail: String

    public var description: String { "\(rule): \(detail)" }

    init(_ rule: Rule, _ detail: String) {
        self.rule = rule.rawValue
        self.detail = detail
    }

    /// What is checked.
    enum Rule: String {
        case answersFollowTheRules = "the server's answers follow the protocol"
        case logKeepsWhatItShowed = "what the server acknowledged or showed is in its log"
        case logReplays = "the log replays to the same indexes"
        case compactsAsAllowed = "a log loses only what nobody needs any more"
        case damageIsFound = "damage is found, never guessed around"
        case acceptedOnce = "an operation is accepted once"
        case sentUnchanged = "an operation is sent again only as it was"
        case settledFirst = "nothing is applied before a push is settled"
        case noConflictWithOneself = "a device is in no conflict with itself"
        case nothingInvented = "nothing is in the log that nobody wrote"
        case nothingOverwrittenUnseen = "nothing is overwritten unseen"
        case wholeTransactions = "transactions are whole"
        case appliedWithCursor = "what a device holds is what it pulled up to its cursor"
        case cursorsGoUp = "cursors never go back"
        case queueIsSound = "the queue is in order"
        case capturedInOrder = "what the app commits is captured, in order, in its transactions"
        case stampsGoUp = "an edit's stamp is later than all that its author had made or seen"
        case storeKeepsCommits = "what the store committed is there"
        case filesOpen = "files open again after a crash"
        case goesOn = "nothing fails without a fault"
        case converges = "healed devices come to rest"
        case everyoneIsEqual = "every device equals the server"
        case noEditIsLost = "no edit is lost"
        case saysWhatItSaw = "a device says how far it has seen its log"
        case meetsWhatStands = "a resolver is asked about what another log holds in the end"
        case decidedAsAsked = "a conflict ends as its resolver says"
    }
}
