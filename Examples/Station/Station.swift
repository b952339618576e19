import SkerryCSP
import SkerryMacros
import SkerryRPC

/// What a weather station measured.
@Shape struct Reading: Equatable, Sendable {
    /// Where.
    var place: String
    /// Degrees Celsius.
    var temperature: Double
    /// Milliseconds since 1970.
    @Default(0) var time: Int
}

/// Where readings change hands, one by one: giving one is done when somebody has taken it.
@Shape struct Handover: Sendable {
    var giving: Sender<Reading>
    var taking: Receiver<Reading>
}

/// Why the station declined.
@Shape enum StationError: Error, Equatable, Sendable {
    case noSuchPlace(String)
}

/// Collects what weather stations measure, and tells who asks.
@Service(errors: StationError.self)
protocol Station: Sendable {
    /// Stores a reading and returns how many there are.
    @POST("/readings") func record(_ reading: Reading) async throws -> Int

    /// The newest reading of a place.
    @Idempotent @ReadOnly @GET("/readings/{place}") func latest(_ place: String) async throws -> Reading

    /// Sends every reading from now on into a channel of the caller, of one place where one is named.
    @GET("/watch") func watch(_ place: String?, into readings: Sender<Reading>) async throws

    /// Takes readings from a channel of the caller until it closes, and returns how many came.
    func upload(_ readings: Receiver<Reading>) async throws -> Int

    /// Calls a listener of the caller for each reading above a temperature, until the subscription is cancelled.
    func alarm(above temperature: Double, notify listener: ListenerClient) async throws -> SubscriptionClient

    /// A new place where readings change hands.
    func handover() async throws -> Handover

    /// The bytes of a picture, mirrored.
    func mirror(_ picture: [UInt8]) async throws -> [UInt8]

    /// Waits until the caller gives up.
    func wait() async throws

    /// How many callers gave up waiting.
    @ReadOnly func abandoned() async throws -> Int
}

/// Somebody who wants to know.
@Service protocol Listener: Sendable {
    /// A reading was above the temperature.
    func raised(_ reading: Reading) async throws
}

/// A listener's place at the station.
@Service protocol Subscription: Sendable {
    /// How often the listener was called.
    @ReadOnly func calls() async throws -> Int
    /// Who is called.
    @ReadOnly func listener() async throws -> ListenerClient
    /// Ends it.
    func cancel() async throws
}
