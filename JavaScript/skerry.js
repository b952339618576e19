// Skerry for browsers and Node: services and channels of a Skerry node over one WebSocket, without dependencies.
//
//     import { connect, channel } from './skerry.js'
//
//     const session = await connect('ws://127.0.0.1:8080/skerry')
//     const arith = await session.root.get('arith')
//     console.log(await arith.plus(40, 2))
//
//     const { sender, receiver } = channel()
//     arith.count(3, sender)
//     for await (const number of receiver) console.log(number)
//
// What a call returns can be called before it is there: such calls travel behind the first one, and all take one round trip together. It can be
// an argument of another call of the same session as well, and is awaited as any promise:
//
//     console.log(await session.root.get('arith').plus(40, 2))
//     const door = session.root.get('house').door('front')
//     await Promise.all([door.lock(), door.paint('red')])
//
// Where the call fails, calls through its result fail with the code `brokenPromise`, and with what it failed with as their `cause`. Calls of one
// reference leave in the order in which they were made, and a call with positional arguments when the names of the parameters are known: they are
// asked once in a session for each kind of service that results are declared to be, and where none is declared, for each different call. `$call`
// is told the names and leaves at once:
//
//     await session.root.$call('get', { name: 'arith' }).$call('plus', { a: 40, b: 2 })
//
// It speaks the text protocol of docs/formats/session.md: one JSON array a packet, [number, acknowledgement, frame, frame, …]. What a service
// offers is asked from the service itself (`_schema`), so there is nothing to generate.

const VERSION = 1
const SUBPROTOCOL = 'skerry.v1.json'
/** Calls under way at once; more wait here. */
const CALLS_IN_FLIGHT = 256
/** Milliseconds a reply is worth waiting for, unless the caller says otherwise. */
const DEADLINE = 30_000
/** Milliseconds until the peer must have said hello. */
const HANDSHAKE = 10_000
/** Milliseconds of silence before a ping, between two pings, and until the peer counts as lost. */
const IDLE = 5_000, PING_INTERVAL = 3_000, LOST_AFTER = 14_000
/** Elements and bytes a producer may have under way on one channel towards this side. */
const WINDOW_ELEMENTS = 64, WINDOW_BYTES = 1 << 20
/** Bytes under way towards this side on all channels. */
const SESSION_BYTES = 16 << 20
/** Bytes of a packet at which it is full. */
const PACKET_PREFERRED = 64 << 10
/** Bytes received after which a packet is sent for the acknowledgement alone, and milliseconds it may wait for company. */
const ACKNOWLEDGEMENT_BYTES = 256 << 10, ACKNOWLEDGEMENT_DELAY = 100

const QUESTION_SLOTS = 4_096, REFERENCE_SLOTS = 65_536
const ONE_WAY = 1, KEEPS_REPLY = 4, NOT_EXECUTED = 8, RAN_DRY = 1
/** Interfaces that a session remembers for results of calls to come. */
const INTERFACES = 256
/** Codes of services beyond those of the session. */
const CODES = { code64: 'noSuchService', code65: 'digestMismatch', code66: 'badResult' }

/** Why a call, a channel or a session failed. `code` is one of the words of docs/formats/session.md, or `typed` for an error the service
 * declares, whose value is `detail`. `maybeExecuted` is false when the call certainly had no effect. `cause` is why the target of a
 * `brokenPromise` is not there. */
export class SkerryError extends Error {
  constructor (code, message, { maybeExecuted = true, retryAfter = null, detail = null, cause } = {}) {
    super(message || code, cause && { cause })
    this.name = 'SkerryError'
    this.code = code
    this.maybeExecuted = maybeExecuted
    this.retryAfter = retryAfter
    this.detail = detail
  }
}

/**
 * Opens a session.
 *
 * @param {string} url of the endpoint, such as `wss://site.example/skerry`.
 * @param {object} [options] `deadline`: milliseconds a reply is worth waiting for; `root`: an object whose methods the peer finds as the root
 *   of this side; `WebSocket`: another implementation of that class.
 * @returns {Promise<Session>} when the peer has said hello; rejected with a SkerryError when it does not.
 */
export function connect (url, options = {}) {
  const Socket = options.WebSocket ?? globalThis.WebSocket
  if (!Socket) throw new SkerryError('unsupported', 'there is no WebSocket here; Node 20 wants --experimental-websocket')
  return new Session(new Socket(url, [SUBPROTOCOL]), options).established
}

/** A channel within this process. Either end may be passed to a service, and the other end used here. */
export function channel ({ capacity = 16 } = {}) {
  const core = new ChannelCore(capacity)
  return { sender: new Sender(core), receiver: new Receiver(core) }
}

/** Marks an object as a service, so that passing it lets the peer call its methods: each gets one object with the named arguments, and a
 * context with an AbortSignal. */
export function host (object) { return object instanceof Hosted ? object : new Hosted(object) }

class Hosted {
  constructor (object) { this.object = object }
}

// Channels ------------------------------------------------------------------------------------------------------------------------------

/** A bounded queue: who sends into a full one waits, who receives from an empty one waits. */
class ChannelCore {
  constructor (capacity) {
    this.capacity = capacity
    this.elements = []
    this.receivers = []
    this.senders = []
    this.end = null // { error } once it is closed
    this.onSent = null // the session that carries the elements away
    this.onTaken = null // the session that grants credit
    this.onClosed = []
    this.onWaiting = null // the session that asks for elements one by one
    this.underWay = null // of a rendezvous elsewhere: elements that were sent and not received
  }

  get isClosed () { return this.end !== null }

  /** Puts an element regardless of the bound: whoever has credit may. */
  push (element) {
    const receiver = this.receivers.shift()
    if (receiver) {
      receiver.resolve({ value: element.value, done: false })
      this.onTaken?.(element)
    } else {
      this.elements.push(element)
      this.onSent?.()
    }
  }

  async send (value) {
    if (!this.isClosed && this.elements.length >= this.capacity && this.receivers.length === 0) {
      await new Promise((resolve) => this.senders.push(resolve))
    }
    if (this.isClosed) throw this.closedError()
    if (this.underWay) return new Promise((resolve, reject) => this.push({ value, bytes: 0, resolve, reject }))
    this.push({ value, bytes: 0 })
  }

  closedError () { return this.end.error ?? new SkerryError('closed', 'the channel is closed') }

  /** The other side takes nothing any more. */
  refuse () {
    for (const element of [...(this.underWay?.splice(0) ?? []), ...this.elements.splice(0)]) element.reject?.(this.closedError())
  }

  /** The next element without waiting, or undefined. */
  take () {
    const element = this.elements.shift()
    if (element === undefined) return undefined
    this.senders.shift()?.()
    this.onTaken?.(element)
    return element
  }

  receive () {
    const element = this.take()
    if (element) return Promise.resolve({ value: element.value, done: false })
    if (this.end) return this.end.error ? Promise.reject(this.end.error) : Promise.resolve({ value: undefined, done: true })
    const promise = new Promise((resolve, reject) => this.receivers.push({ resolve, reject }))
    this.onWaiting?.()
    return promise
  }

  /** What was sent before is still received. */
  close (error = null) {
    if (this.isClosed) return
    this.end = { error }
    for (const receiver of this.receivers.splice(0)) error ? receiver.reject(error) : receiver.resolve({ value: undefined, done: true })
    for (const sender of this.senders.splice(0)) sender()
    for (const closed of this.onClosed.splice(0)) closed(error)
    this.onSent?.()
  }
}

/** The end of a channel into which elements are put. */
export class Sender {
  constructor (core) { this.core = core }

  /** Sends; settles when the element was taken or has room. Rejected when the channel is closed. */
  send (value) { return this.core.send(value) }

  /** Ends the channel after what was sent; with an error, the receiver gets that. */
  close (error = null) { this.core.close(error) }

  get isClosed () { return this.core.isClosed }
}

/** The end of a channel from which elements come: `for await (const element of receiver)`. Leaving the loop closes the channel. */
export class Receiver {
  constructor (core) { this.core = core }

  /** The next element, or undefined at the end. */
  async receive () { return (await this.core.receive()).value }

  close () {
    this.core.close()
    this.core.elements.length = 0
  }

  [Symbol.asyncIterator] () {
    return {
      next: () => this.core.receive(),
      return: async () => {
        this.close()
        return { value: undefined, done: true }
      }
    }
  }
}

// Sessions ------------------------------------------------------------------------------------------------------------------------------

/** One session with a node. */
export class Session {
  #socket
  #options
  #peer = null
  #end = null
  #settle
  // Packets
  #sent = 0
  #received = 0
  #queue = []
  #isScheduled = false
  #unacknowledged = 0
  #acknowledgementTimer = null
  #lastReceived = Date.now()
  #lastPing = 0
  #watch = null
  // Calls
  #questions = []
  #freeQuestions = []
  #waiting = []
  #answers = new Map()
  #isGoingAway = false
  #keptReplies
  #interfaces = new Map()
  // References
  #imports = new Map()
  #exports = new Map()
  #exportIDs = new Map()
  #freeExports = []
  #exportSlots = 0
  #sessionCredit = 0
  #sessionTaken = 0
  #collected

  constructor (socket, options) {
    this.#socket = socket
    this.#options = options
    this.#collected = new FinalizationRegistry((entry) => this.#collect(entry))
    this.#keptReplies = new FinalizationRegistry((question) => { if (!this.#end) this.#finish(question) })
    this.root = referenceProxy(this, 0)
    /** @type {Promise<Session>} */
    this.established = new Promise((resolve, reject) => { this.#settle = { resolve, reject } })
    this.closed = new Promise((resolve) => { this.#settle.closed = resolve })
    const timer = setTimeout(() => this.#fail(new SkerryError('peerLost', 'the peer did not say hello')), HANDSHAKE)
    this.established.then(() => clearTimeout(timer), () => clearTimeout(timer))
    socket.onopen = () => this.#hello()
    socket.onmessage = (event) => this.#packet(event.data)
    socket.onerror = () => this.#fail(new SkerryError('peerLost', 'the connection failed'))
    socket.onclose = (event) => this.#fail(new SkerryError('peerLost', `the connection ended${event.reason ? `: ${event.reason}` : ''}`))
  }

  /** What is in the tables: 0 everywhere but for the root once everything was released. */
  get statistics () {
    return {
      calls: this.#questions.filter((question) => question.isOpen).length,
      imports: this.#imports.size,
      exports: this.#exports.size
    }
  }

  get isClosed () { return this.#end !== null }

  /** Ends the session; calls under way fail. */
  close () { this.#fail(new SkerryError('closed', 'the session was closed here'), [0, '']) }

  // Packets

  #hello () {
    const { deadline: _, ...rest } = this.#options
    const session = rest.session ?? randomHex(16)
    this.#unnumbered([
      'hello', 'SKRY', VERSION, '00'.repeat(32), session, nonZeroHex(8), '00'.repeat(8), CALLS_IN_FLIGHT, WINDOW_ELEMENTS, WINDOW_BYTES,
      SESSION_BYTES, 0, ''
    ])
  }

  #unnumbered (frame) { this.#write(JSON.stringify([0, this.#received, frame])) }

  #write (text) {
    if (this.#socket.readyState === 1) this.#socket.send(text)
    this.#unacknowledged = 0
    clearTimeout(this.#acknowledgementTimer)
    this.#acknowledgementTimer = null
  }

  /** Queues a frame that is text already; all frames of one turn of the event loop leave together. */
  #post (text) {
    this.#queue.push(text)
    if (this.#isScheduled || !this.#peer) return
    this.#isScheduled = true
    queueMicrotask(() => this.#flush())
  }

  #flush () {
    this.#isScheduled = false
    while (this.#queue.length > 0 && !this.#end) {
      let size = 0
      let count = 0
      while (count < this.#queue.length && (count === 0 || size + this.#queue[count].length < PACKET_PREFERRED)) size += this.#queue[count++].length
      this.#sent += 1
      this.#write(`[${this.#sent},${this.#received},${this.#queue.splice(0, count).join(',')}]`)
    }
  }

  #packet (text) {
    if (this.#end) return
    this.#lastReceived = Date.now()
    try {
      if (typeof text !== 'string') throw new SkerryError('protocol', 'a binary message in a text session')
      const [number, , ...frames] = JSON.parse(text)
      if (number === 0) return frames.forEach((frame) => this.#linkFrame(frame))
      if (number <= this.#received) return
      if (number !== this.#received + 1) throw new SkerryError('protocol', `packet ${number}, expected ${this.#received + 1}`)
      this.#received = number
      this.#acknowledgeLater(text.length)
      for (const frame of frames) this.#frame(frame, text.length)
    } catch (error) {
      this.#fail(error instanceof SkerryError ? error : new SkerryError('protocol', error.message), [1, error.message])
    }
  }

  #acknowledgeLater (bytes) {
    this.#unacknowledged += bytes
    const acknowledge = () => { if (!this.#end) this.#write(`[0,${this.#received}]`) }
    if (this.#unacknowledged >= ACKNOWLEDGEMENT_BYTES) return acknowledge()
    this.#acknowledgementTimer ??= setTimeout(acknowledge, ACKNOWLEDGEMENT_DELAY)
  }

  #linkFrame (frame) {
    switch (frame[0]) {
      case 'hello': return this.#helloReceived(frame)
      case 'ping': return this.#unnumbered(['pong', frame[1]])
      case 'pong': return
      case 'bye': return this.#fail(new SkerryError('peerLost', frame[2] || 'the peer ended the session'))
      default: throw new SkerryError('protocol', `a frame ${frame[0]} in a packet without a number`)
    }
  }

  #helloReceived (frame) {
    if (this.#peer) return
    const [, magic, version, , , , , callsInFlight, channelElements, channelBytes, sessionBytes] = frame
    if (magic !== 'SKRY' || version !== VERSION) throw new SkerryError('protocol', `the peer speaks ${magic} ${version}`)
    this.#peer = { callsInFlight, channelElements, channelBytes }
    this.#sessionCredit = sessionBytes
    this.#watch = setInterval(() => this.#watchPeer(), 1_000)
    this.#watch.unref?.()
    this.#settle.resolve(this)
    if (this.#queue.length > 0) this.#flush()
  }

  #watchPeer () {
    const silence = Date.now() - this.#lastReceived
    if (silence > LOST_AFTER) return this.#fail(new SkerryError('peerLost', 'the peer is silent'))
    if (silence > IDLE && Date.now() - this.#lastPing >= PING_INTERVAL) {
      this.#lastPing = Date.now()
      this.#unnumbered(['ping', this.#lastPing])
    }
  }

  #fail (error, bye = null) {
    if (this.#end) return
    this.#end = error
    if (bye && this.#socket.readyState === 1) this.#socket.send(JSON.stringify([0, this.#received, ['bye', bye[0], String(bye[1]).slice(0, 200)]]))
    clearInterval(this.#watch)
    clearTimeout(this.#acknowledgementTimer)
    this.#socket.close()
    this.#settle.reject(error)
    this.established.catch(() => {})
    for (const question of this.#questions) if (question.isOpen) question.settle(null, error)
    for (const resume of this.#waiting.splice(0)) resume()
    for (const answer of this.#answers.values()) answer.abort(error)
    for (const entry of [...this.#imports.values(), ...this.#exports.values()]) {
      entry.core?.close(error)
      if (entry.core?.underWay) entry.core.refuse()
    }
    this.#imports.clear()
    this.#exports.clear()
    this.#exportIDs.clear()
    this.#settle.closed(error)
  }

  #frame (frame, packetBytes) {
    switch (frame[0]) {
      case 'call': return this.#called(frame)
      case 'return': return this.#returned(frame[1], frame[3], frame[4], null)
      case 'error': return this.#returned(frame[1], frame[6], null, frame)
      case 'send': return this.#elements(frame, packetBytes)
      case 'credit': return this.#credited(frame)
      case 'close': return this.#channelClosed(frame)
      case 'release': return this.#released(frame)
      case 'cancel': return this.#answers.get(frame[1])?.abort(new SkerryError('cancelled', 'the caller wants no reply any more'))
      case 'probe': return this.#post(JSON.stringify(['working', frame[1]]))
      case 'goaway': this.#isGoingAway = true; return
      case 'finish': case 'working': case 'done': return
      default: throw new SkerryError('protocol', `a frame ${frame[0]}`)
    }
  }

  // Calls from here

  /** Calls a method by its wire name with an object of named arguments; the target is an id or an Outcome. An `outcome` learns what becomes of the
   * call, for promises that name its reply. Most code calls methods of references instead. */
  async call (target, method, named, { deadline = this.#options.deadline ?? DEADLINE, signal = null, oneWay = false } = {}, outcome = null) {
    const began = Date.now()
    await this.established
    for (const promised of [target, ...Object.values(named).map(outcomeOf)]) if (promised instanceof Outcome) await promised.asked
    while (!this.#end && !oneWay && this.#openQuestions >= Math.min(this.#peer.callsInFlight, CALLS_IN_FLIGHT)) {
      await new Promise((resolve) => this.#waiting.push(resolve))
    }
    if (this.#end) throw this.#end
    if (this.#isGoingAway) throw new SkerryError('goingAway', 'the peer takes no more calls', { maybeExecuted: false })
    signal?.throwIfAborted()
    const place = target instanceof Outcome ? target.place : target
    const references = []
    const args = this.#encode(named, references, true)
    const left = deadline === null ? null : Math.max(0, deadline - (Date.now() - began))
    if (left === 0) throw new SkerryError('timeout', 'no time was left for the call', { maybeExecuted: false })
    const question = oneWay ? null : this.#takeQuestion()
    const isKept = !oneWay && outcome?.mayBeService === true
    const flags = oneWay ? ONE_WAY : isKept ? KEEPS_REPLY : 0
    this.#post(JSON.stringify(['call', question?.id ?? 0, flags, place, method, left, null, references, args]))
    outcome?.begin(question?.id)
    if (!question) return
    question.target = target
    question.outcome = isKept ? outcome : null
    return new Promise((resolve, reject) => this.#await(question, resolve, reject, left, signal))
  }

  /** Where the interface of a service that results give is remembered. */
  interfaceOf (key) {
    return {
      get: () => this.#interfaces.get(key),
      set: (schema) => {
        if (this.#interfaces.size >= INTERFACES) this.#interfaces.delete(this.#interfaces.keys().next().value)
        this.#interfaces.set(key, schema)
      },
      forget: () => this.#interfaces.delete(key)
    }
  }

  get #openQuestions () { return this.#questions.length - this.#freeQuestions.length }

  #takeQuestion () {
    let slot = this.#freeQuestions.pop()
    if (slot === undefined) {
      slot = this.#questions.length + 1
      this.#questions.push({ slot, generation: -1, isOpen: false, isKept: false, target: null, outcome: null })
    }
    const question = this.#questions[slot - 1]
    question.generation += 1
    question.id = (question.generation * QUESTION_SLOTS + slot) * 2
    question.isOpen = true
    return question
  }

  #await (question, resolve, reject, left, signal) {
    const giveUp = (error) => {
      this.#post(JSON.stringify(['cancel', question.id]))
      question.settle(null, error)
    }
    const timer = left === null ? null : setTimeout(() => giveUp(new SkerryError('timeout', `no reply within ${left} ms`)), left)
    const aborted = () => giveUp(signal.reason ?? new SkerryError('cancelled', 'called off'))
    signal?.addEventListener('abort', aborted)
    question.settle = (value, failure, isHome = false) => {
      const error = failure && question.target instanceof Outcome ? question.target.explain(failure) : failure
      question.target = null
      question.isOpen = false
      question.settle = () => {}
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      this.#settleOutcome(question, value, error, isHome)
      error ? reject(error) : resolve(value)
    }
  }

  /** Promises name the reply until what it holds has a name of its own. What comes home to this side has none there, so calls through it go on
   * as they began: over the peer, behind those that are on their way. */
  #settleOutcome (question, value, error, isHome) {
    const { outcome } = question
    question.outcome = null
    if (!outcome) return
    question.isKept = !error && isHome
    if (question.isKept) return this.#keptReplies.register(outcome, { id: question.id, slot: question.slot })
    outcome.settle(this, value, error)
    if (!this.#end) this.#post(JSON.stringify(['finish', question.id]))
  }

  /** Nobody can name the reply any more. */
  #finish ({ id, slot }) {
    this.#post(JSON.stringify(['finish', id]))
    this.#questions[slot - 1].isKept = false
    this.#free(slot)
  }

  #free (slot) {
    this.#freeQuestions.push(slot)
    this.#waiting.shift()?.()
  }

  #returned (id, references, value, failure) {
    const question = this.#questions[Math.floor(id / 2) % QUESTION_SLOTS - 1]
    if (question?.id !== id) throw new SkerryError('protocol', `a reply to call ${id}, which is not under way`)
    const isHome = references?.[0]?.[0] === 'service' && references[0][1] % 2 === 0 && value?.$ref === 0
    const result = this.#decode(value ?? failure?.[7] ?? null, this.#arrived(references))
    const error = failure && new SkerryError(CODES[failure[3]] ?? failure[3], failure[4], {
      maybeExecuted: (failure[2] & NOT_EXECUTED) === 0, retryAfter: failure[5], detail: result
    })
    question.settle?.(result, error, isHome)
    if (!question.isKept) this.#free(question.slot)
  }

  // Calls to here

  #called ([, id, flags, target, method, , , references, args]) {
    const entry = target === 0 ? { object: this.#options.root ?? {} } : this.#exports.get(target)
    const arrived = this.#arrived(references)
    const named = this.#decode(args, arrived) ?? {}
    const controller = new AbortController()
    if (id !== 0) this.#answers.set(id, controller)
    Promise.resolve()
      .then(() => this.#perform(entry, method, named, { signal: controller.signal }))
      .then((value) => this.#answer(id, value), (error) => this.#answerFailure(id, error))
  }

  #perform (entry, method, named, context) {
    if (!entry) throw new SkerryError('noSuchReference', 'the object is not there any more', { maybeExecuted: false })
    if (entry.forward) return entry.forward.call(method, named)
    if (method === '_ping') return {}
    const names = Object.keys(entry.object).concat(Object.getOwnPropertyNames(Object.getPrototypeOf(entry.object) ?? {}))
      .filter((name) => typeof entry.object[name] === 'function' && name !== 'constructor' && !(name in Object.prototype))
    if (method === '_commands') return Object.fromEntries(names.map((name) => [name, '']))
    if (!names.includes(method)) throw new SkerryError('noSuchMethod', `there is no method ${method}`, { maybeExecuted: false })
    return entry.object[method](named, context)
  }

  #answer (id, value) {
    if (id === 0) return this.#post('["done",1]')
    if (!this.#answers.delete(id) || this.#end) return
    const references = []
    const result = this.#encode(value === undefined ? {} : value, references)
    this.#post(JSON.stringify(['return', id, 0, references, result]))
  }

  #answerFailure (id, error) {
    if (id === 0) return this.#post('["done",1]')
    if (!this.#answers.delete(id) || this.#end) return
    const isOurs = error instanceof SkerryError
    const flags = isOurs && !error.maybeExecuted ? NOT_EXECUTED : 0
    this.#post(JSON.stringify(['error', id, flags, isOurs ? error.code : 'remote', String(error?.message ?? error).slice(0, 1_000), null, [], null]))
  }

  // Values

  /** `mayPromise`: in a call, results that are not there yet are named by the reply that will hold them. */
  #encode (value, references, mayPromise = false) {
    if (value === null || value === undefined) return null
    if (value instanceof Uint8Array) return base64(value)
    if (typeof value === 'bigint') {
      if (BigInt(Number(value)) !== value) throw new SkerryError('badArgument', `${value} is more than JSON carries exactly`)
      return Number(value)
    }
    if (typeof value === 'number' && !Number.isFinite(value)) throw new SkerryError('badArgument', `JSON has no ${value}`)
    if (typeof value === 'function') throw new SkerryError('badArgument', 'functions do not travel; pass host({ … })')
    if (typeof value !== 'object') return value
    const reference = this.#introduce(value, mayPromise)
    if (reference) {
      references.push(reference)
      return { $ref: references.length - 1 }
    }
    if (Array.isArray(value)) return value.map((element) => this.#encode(element, references, mayPromise))
    const result = {}
    for (const [key, member] of Object.entries(value)) if (member !== undefined) result[key] = this.#encode(member, references, mayPromise)
    return result
  }

  #decode (value, references) {
    if (value === null || typeof value !== 'object' || references.length === 0) return value
    if (Array.isArray(value)) return value.map((element) => this.#decode(element, references))
    const keys = Object.keys(value)
    if (keys.length === 1 && keys[0] === '$ref' && value.$ref in references) return references[value.$ref]
    for (const key of keys) value[key] = this.#decode(value[key], references)
    return value
  }

  /** The wire form of a reference, or null when the value is none. */
  #introduce (value, mayPromise) {
    const imported = handleOf(value) ?? value.imported
    const place = imported?.session === this ? outcomeOf(value)?.place : undefined
    if (Array.isArray(place)) {
      if (!mayPromise) throw new SkerryError('badArgument', 'a result that is not there yet travels in calls alone; await it')
      return ['promise', ...place]
    }
    if (imported?.session === this) return [imported.kind, imported.id]
    if (value instanceof Hosted) return ['service', this.#export(value.object, 'service', { object: value.object })]
    // A reference of another session is handed on: calls go through here.
    if (imported?.kind === 'service') return ['service', this.#export(value, 'service', { forward: imported })]
    if (value instanceof Sender) return ['sender', this.#export(value.core, 'sender', { core: value.core })]
    if (value instanceof Receiver) return ['receiver', this.#export(value.core, 'receiver', { core: value.core })]
    return null
  }

  #export (identity, kind, entry) {
    const known = this.#exportIDs.get(identity)
    if (known !== undefined) {
      this.#exports.get(known).introductions += 1
      return known
    }
    const { slot, generation } = this.#freeExports.shift() ?? { slot: ++this.#exportSlots, generation: 0 }
    const id = (generation * REFERENCE_SLOTS + slot) * 2
    Object.assign(entry, { identity, kind, id, slot, generation, introductions: 1 })
    this.#exports.set(id, entry)
    this.#exportIDs.set(identity, id)
    if (kind === 'sender') this.#consume(entry)
    if (kind === 'receiver') this.#produce(entry, this.#peer.channelElements, this.#peer.channelBytes)
    return id
  }

  #released ([, ...pairs]) {
    for (let index = 0; index < pairs.length; index += 2) {
      const entry = this.#exports.get(pairs[index])
      if (!entry) throw new SkerryError('protocol', `reference ${pairs[index]} is released, which is not there`)
      entry.introductions -= pairs[index + 1]
      if (entry.introductions > 0) continue
      if (entry.introductions < 0) throw new SkerryError('protocol', `reference ${entry.id} is released more often than introduced`)
      this.#exports.delete(entry.id)
      this.#exportIDs.delete(entry.identity)
      this.#freeExports.push({ slot: entry.slot, generation: entry.generation + 1 })
      entry.core?.close()
    }
  }

  /** The objects for a table of references. */
  #arrived (table) {
    return (table ?? []).map((entry) => entry && this.#import(entry[0], entry[1]))
  }

  #import (kind, id) {
    if (id % 2 === 0) {
      const entry = this.#exports.get(id)
      if (!entry) return null
      return entry.kind === 'service' ? entry.identity : kind.endsWith('ender') ? new Sender(entry.core) : new Receiver(entry.core)
    }
    const known = this.#imports.get(id)
    const alive = known?.object.deref()
    if (alive) {
      known.introductions += 1
      return alive
    }
    const entry = known ?? { id, kind, introductions: 0 }
    entry.introductions += 1
    const object = this.#proxy(entry)
    entry.object = new WeakRef(object)
    this.#imports.set(id, entry)
    // The handle, not the proxy: a view made with `$with` holds the handle alone.
    const held = handleOf(object) ?? object
    this.#collected.register(held, entry, held)
    return object
  }

  #proxy (entry) {
    if (entry.kind === 'service') return referenceProxy(this, entry.id)
    entry.core ??= new ChannelCore(Infinity)
    const end = entry.kind.endsWith('ender') ? new Sender(entry.core) : new Receiver(entry.core)
    end.imported = { session: this, kind: entry.kind, id: entry.id }
    const isRendezvous = entry.kind.startsWith('rendezvous')
    if (end instanceof Sender) {
      if (isRendezvous) entry.core.underWay ??= []
      this.#produce(entry, isRendezvous ? 0 : this.#peer.channelElements, this.#peer.channelBytes)
    } else {
      this.#consume(entry)
      if (isRendezvous) entry.core.onWaiting = () => this.#post(JSON.stringify(['credit', entry.id, 1, 0]))
    }
    return end
  }

  /** Gives an imported reference back now, rather than when the collector finds it. */
  release (object) {
    const handle = handleOf(object) ?? object.imported
    const entry = handle && this.#imports.get(handle.id)
    if (!entry || handle.session !== this) return
    this.#collected.unregister(handleOf(object) ?? object)
    this.#giveBack(entry)
  }

  #collect (entry) {
    if (this.#imports.get(entry.id) === entry && !entry.object.deref()) this.#giveBack(entry)
  }

  #giveBack (entry) {
    if (this.#end) return
    this.#imports.delete(entry.id)
    entry.core?.close()
    this.#post(JSON.stringify(['release', entry.id, entry.introductions]))
  }

  // Elements

  /** This side produces: what is put into the channel leaves under the peer's credit. */
  #produce (entry, elements, bytes) {
    const { core, id } = entry
    entry.credit = { elements, bytes }
    if (entry.kind.endsWith('eceiver')) core.capacity = Math.max(core.capacity, 1)
    entry.tellClosed = (error) => this.#post(JSON.stringify(['close', id, error ? 1 : 0, error?.message ?? '']))
    // Not before the frame that introduces the channel is queued.
    queueMicrotask(() => {
      core.onSent = () => this.#pump(entry)
      this.#pump(entry)
    })
  }

  #pump (entry) {
    const { core, credit } = entry
    while (core.elements.length > 0 && credit.elements > 0 && credit.bytes > 0 && this.#sessionCredit > 0) {
      const references = []
      const element = core.take()
      const text = JSON.stringify(this.#encode(element.value, references))
      const size = utf8Length(text)
      core.underWay?.push(element)
      credit.elements -= 1
      credit.bytes -= size
      this.#sessionCredit -= size
      const flags = core.elements.length > 0 && credit.elements === 0 ? RAN_DRY : 0
      this.#post(`["send",${entry.id},${flags},${JSON.stringify(references)},[${text}]]`)
    }
    if (core.isClosed && core.elements.length === 0 && !entry.isEnded) {
      entry.isEnded = true
      entry.tellClosed(core.end.error)
    }
  }

  #credited ([, id, elements, bytes]) {
    if (id === 0) {
      this.#sessionCredit += bytes
      for (const entry of [...this.#imports.values(), ...this.#exports.values()]) if (entry.credit) this.#pump(entry)
      return
    }
    const entry = this.#imports.get(id) ?? this.#exports.get(id)
    if (!entry?.credit) return
    entry.credit.elements += elements
    entry.credit.bytes += bytes
    // Bytes of a rendezvous come back when the oldest element was received.
    if (bytes > 0) entry.core.underWay?.shift()?.resolve()
    this.#pump(entry)
  }

  /** This side consumes: what comes is queued, and credit granted as it is taken. */
  #consume (entry) {
    const { core, id } = entry
    const isRendezvous = entry.kind.startsWith('rendezvous')
    entry.taken = { elements: 0, bytes: 0 }
    core.onTaken = (element) => {
      if (element.bytes === 0) return
      this.#refund(element.bytes)
      if (isRendezvous) {
        // Tells the sender that its element was received.
        if (!entry.isEnded) this.#post(JSON.stringify(['credit', id, 0, element.bytes]))
        return
      }
      entry.taken.elements += 1
      entry.taken.bytes += element.bytes
      if (entry.isEnded || (entry.taken.elements < WINDOW_ELEMENTS / 2 && entry.taken.bytes < WINDOW_BYTES / 2)) return
      this.#post(JSON.stringify(['credit', id, entry.taken.elements, entry.taken.bytes]))
      entry.taken = { elements: 0, bytes: 0 }
    }
    core.onClosed.push((error) => {
      if (entry.isEnded) return
      entry.isEnded = true
      this.#post(JSON.stringify(['close', id, error ? 1 : 0, error?.message ?? '']))
    })
  }

  #refund (bytes) {
    this.#sessionTaken += bytes
    if (this.#sessionTaken < SESSION_BYTES / 4) return
    this.#post(JSON.stringify(['credit', 0, 0, this.#sessionTaken]))
    this.#sessionTaken = 0
  }

  #elements ([, id, , table, elements], packetBytes) {
    const references = this.#arrived(table)
    const entry = this.#imports.get(id) ?? this.#exports.get(id)
    // Parsed elements do not tell the bytes they came in; the packet's share is a little more, never less, and so no credit gets lost.
    const share = Math.ceil(packetBytes * 3 / Math.max(1, elements.length))
    if (!entry?.taken || entry.core.isClosed) return this.#refund(share * elements.length)
    for (const element of elements) entry.core.push({ value: this.#decode(element, references), bytes: share })
  }

  #channelClosed ([, id, code, message]) {
    const entry = this.#imports.get(id) ?? this.#exports.get(id)
    if (!entry?.core) return
    entry.isEnded = true
    entry.core.close(code === 0 ? null : new SkerryError('closed', message || `closed with code ${code}`))
    if (entry.credit) entry.core.refuse()
  }
}

// References ----------------------------------------------------------------------------------------------------------------------------

const handles = new WeakMap()
const handleOf = (value) => handles.get(value)

/** What the call that `value` stands for will return, when it stands for one. */
function outcomeOf (value) {
  const target = handleOf(value)?.target
  return target instanceof Outcome ? target : null
}

/** What a call will return, for calls that are made through it before it is there. */
class Outcome {
  #tellAsked
  #question = null
  #handle = null
  #error = null

  constructor () {
    this.shared = new Shared()
    /** What whoever awaits the result gets. */
    this.reply = null
    /** Settles when the call has left, or never will. */
    this.asked = new Promise((resolve) => { this.#tellAsked = resolve })
  }

  get mayBeService () { return this.#error === null }

  /** The id of the service, once it is there. */
  get id () { return this.#handle?.id ?? null }

  /** Names the result in a call: by its id, or by the reply that will hold it. */
  get place () {
    if (this.#error) throw this.#broken(false)
    return this.id ?? [this.#question, 0]
  }

  /** Calls through the result, or with it, tell of its failure: nobody has to await it besides. */
  noteUse () { this.reply.catch(() => {}) }

  /** The call has left. */
  begin (question) {
    this.#question = question
    this.#tellAsked()
  }

  /** The reply is there. */
  settle (session, value, error) {
    const handle = handleOf(value)
    if (error) return this.refuse(error)
    if (handle?.session !== session) return this.refuse(new SkerryError('noSuchReference', 'the call returned no service'))
    this.#handle = handle
    // What the service offers is learnt once, and calls stay in order.
    if (handle.shared.turn === null) handle.shared = this.shared
  }

  /** There will be no service. */
  refuse (error) { this.#error ??= error }

  /** The call has failed, maybe before it left. */
  fail (error) {
    this.refuse(error)
    this.#tellAsked()
  }

  /** Says more of an error of a call through the result. */
  explain (error) {
    const isBroken = this.#error && (error.code === 'brokenPromise' || error.code === 'noSuchReference')
    return isBroken ? this.#broken(error.maybeExecuted) : error
  }

  /** The error of a call through the result, when there is none. In a chain all have the first failure as their cause. */
  #broken (maybeExecuted) {
    const cause = (this.#error.code === 'brokenPromise' && this.#error.cause) || this.#error
    return new SkerryError('brokenPromise', `the call that was to return the target failed: ${cause.message ?? cause}`, { maybeExecuted, cause })
  }
}

/** What all views of one reference know. */
class Shared {
  schema = null
  /** Where the interface is remembered from results like this one. */
  memory = null
  /** When the latest call has left. */
  turn = null
}

/** What stands behind a proxy. `target` is the id of a service, or the Outcome of the call that returns it. */
class Handle {
  constructor (session, target, options = {}, shared = target.shared ?? new Shared()) {
    this.session = session
    this.kind = 'service'
    this.target = target
    this.options = options
    this.shared = shared
  }

  get id () { return this.target instanceof Outcome ? this.target.id : this.target }

  call (method, named, options, outcome) {
    return this.session.call(this.target, method, named, { ...this.options, ...options }, outcome)
  }

  /** What the service says of itself, asked once. */
  schema () {
    this.shared.schema ??= this.#learn().catch((error) => {
      this.shared.schema = null
      throw error
    })
    return this.shared.schema
  }

  async #learn () {
    if (this.target instanceof Outcome) await this.target.asked
    const known = this.shared.memory?.get()
    if (known) return known
    const schema = await this.call('_schema', {})
    this.shared.memory?.set(schema)
    return schema
  }

  /** Calls by position. Returns the proxy of the result at once. */
  invoke (name, values) {
    return this.#promise(values, async (outcome) => {
      const method = findMethod(await this.schema(), name, values.length)
      const named = {}
      method.parameters.forEach((parameter, index) => {
        if (index < values.length && values[index] !== undefined) named[parameter.name] = values[index]
      })
      if (!isReference(method.result)) outcome.refuse(new SkerryError('noSuchReference', `${method.name} returns no service`))
      outcome.shared.memory = this.#memory(method, values)
      const result = await this.call(method.name, named, { oneWay: method.isOneWay }, outcome)
      return method.result.name === 'NoValue' ? undefined : result
    })
  }

  /** Calls by the wire name with named arguments. */
  invokeNamed (name, named) { return this.#promise(Object.values(named), (outcome) => this.call(name, named, {}, outcome)) }

  #promise (values, body) {
    for (const value of values) outcomeOf(value)?.noteUse()
    const outcome = new Outcome()
    const before = this.shared.turn
    this.shared.turn = outcome.asked
    const run = async () => {
      try {
        await before
        return await body(outcome)
      } catch (error) {
        this.#mayBeStale(error)
        outcome.fail(error)
        throw error
      }
    }
    outcome.reply = run()
    return wrap(new Handle(this.session, outcome), { promise: outcome.reply })
  }

  /** Results of one kind of service share its interface; where the method does not say the kind, results of the same call do. */
  #memory (method, values) {
    if (!isReference(method.result)) return null
    if (method.result.name !== '') return this.session.interfaceOf(method.result.name)
    if (this.id === null || values.some((value) => typeof value === 'object')) return null
    return this.session.interfaceOf(JSON.stringify([this.id, method.name, ...values]))
  }

  /** A service that does not take the call may be another than the one whose interface was remembered. */
  #mayBeStale ({ code }) {
    if (!this.shared.memory || (code !== 'noSuchMethod' && code !== 'badArgument')) return
    this.shared.memory.forget()
    this.shared.schema = null
  }
}

/** Whether a result is a service, as its schema says it. */
const isReference = (result) => result.json?.required?.includes('$ref') === true

/** The method by its wire name, or by its name in Swift where that and the number of values leave no doubt. */
function findMethod (schema, name, count) {
  const fits = (method) => count <= method.parameters.length && method.parameters.slice(count).every((parameter) => parameter.isOptional)
  const methods = schema.methods ?? []
  const exact = methods.find((method) => method.name === name)
  const candidates = exact ? [exact] : methods.filter((method) => method.swiftName.split('(')[0] === name)
  if (candidates.length === 0) {
    throw new SkerryError('noSuchMethod', `${schema.name} has no method ${name}; it has ${methods.map((method) => method.name).join(', ')}`, { maybeExecuted: false })
  }
  const fitting = candidates.filter(fits)
  if (fitting.length === 0) {
    const wanted = candidates.map((method) => `${method.name}(${method.parameters.map((parameter) => parameter.name).join(', ')})`).join(' or ')
    throw new SkerryError('badArgument', `${schema.name} has ${wanted}, not ${name} with ${count} arguments`, { maybeExecuted: false })
  }
  return fitting.find((method) => method.parameters.length === count) ?? fitting[0]
}

const OWN = {
  /** Everything the service says of itself: methods, parameters, JSON Schema, TypeScript. */
  $schema: (handle) => () => handle.schema(),
  /** Names and descriptions, for people. */
  $commands: (handle) => () => handle.call('_commands', {}),
  $ping: (handle) => () => handle.call('_ping', {}).then(() => undefined),
  /** Calls a method by its wire name with an object of named arguments, without asking the service for their names. */
  $call: (handle) => (name, named = {}) => handle.invokeNamed(name, named),
  /** The same service with other options for its calls: `deadline` in milliseconds or null, `signal`. */
  $with: (handle) => (options) => {
    return wrap(new Handle(handle.session, handle.target, { ...handle.options, ...options }, handle.shared), { keepsAlive: handle })
  }
}

function referenceProxy (session, id) { return wrap(new Handle(session, id)) }

/** A proxy whose methods are those of the service. With `promise` it stands for the result of a call, and is awaited as that promise. */
function wrap (handle, { keepsAlive = null, promise = null } = {}) {
  const proxy = new Proxy(Object.freeze({ handle, keepsAlive }), {
    get (_, name) {
      if (promise && (name === 'then' || name === 'catch' || name === 'finally')) return promise[name].bind(promise)
      // A reference is not a promise, and knows no symbols.
      if (typeof name === 'symbol' || name === 'then' || name === 'toJSON') return undefined
      if (promise) handle.target.noteUse()
      if (name in OWN) return OWN[name](handle)
      return (...values) => handle.invoke(name, values)
    },
    set () { throw new TypeError('references have no properties of their own') }
  })
  handles.set(proxy, handle)
  return proxy
}

// Bytes ---------------------------------------------------------------------------------------------------------------------------------

const encoder = new TextEncoder()
const utf8Length = (text) => encoder.encode(text).length

function randomHex (count) {
  return Array.from(crypto.getRandomValues(new Uint8Array(count)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function nonZeroHex (count) { return randomHex(count).replace(/^0+$/, '01'.padStart(count * 2, '0')) }

/** Bytes as services take them in JSON. */
export function base64 (bytes) {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** Bytes as services give them in JSON. */
export function bytes (base64) { return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)) }
