// The JavaScript client against a running station: node --expose-gc --experimental-websocket client.mjs SKERRY.JS WS-URL
// Prints a line per check, `ok NAME`, and ends with 1 at the first that fails. The same checks run in a browser (page.html).

const isNode = typeof process !== 'undefined'

/** Runs the checks; `report` gets a line for each. Throws at the first failure. */
export async function run ({ connect, channel, host, base64, bytes, SkerryError }, url, report) {
  const equal = (found, expected, what) => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
  }
  const failure = async (promise) => { try { await promise } catch (error) { return error } throw new Error('nothing failed') }
  const check = async (name, body) => {
    await body()
    report(`ok ${name}`)
  }

  // Whatever is not there within this time never comes.
  const within = (promise, what) => Promise.race([promise, new Promise((resolve, reject) => setTimeout(() => reject(new Error(`${what} never came`)), 10_000))])
  /** All that can be done without the other side has been done. */
  const turn = () => new Promise((resolve) => setTimeout(resolve))

  /** A WebSocket that remembers what it sent and holds back what comes while it is told to. */
  class Wire extends globalThis.WebSocket {
    #frames = []
    #held = null
    #listener

    constructor (...parameters) {
      super(...parameters)
      wire = this
    }

    send (text) {
      this.#frames.push(...JSON.parse(text).slice(2))
      super.send(text)
    }

    set onmessage (listener) {
      this.#listener = listener
      super.onmessage = (event) => this.#held ? this.#held.push(event) : listener(event)
    }

    /** What was sent since the latest `forget` or `hold`. */
    sent (type) { return this.#frames.filter((frame) => frame[0] === type) }

    forget () { this.#frames = [] }

    hold () {
      this.#held = []
      this.forget()
    }

    letGo () {
      for (const event of this.#held) this.#listener(event)
      this.#held = null
    }
  }
  let wire
  /** Runs a check in a session of its own. */
  const apart = (name, body) => check(name, async () => {
    const former = wire
    const session = await connect(url, { WebSocket: Wire })
    await body(session)
    session.close()
    wire = former
  })

  const session = await connect(url, { WebSocket: Wire })
  const station = await session.root.get('station')
  const reading = (place, temperature) => ({ place, temperature, time: 7 })

  await check('the root lists what is public', async () => {
    equal(await session.root.list(), ['root', 'station'], 'list')
    equal(await session.root.name(), 'station', 'name')
  })

  await check('a service says what it offers', async () => {
    const schema = await station.$schema()
    equal(schema.name, 'Station', 'name')
    const record = schema.methods.find((method) => method.name === 'record')
    equal(record.documentation, 'Stores a reading and returns how many there are.', 'documentation')
    equal(record.parameters.map((parameter) => parameter.name), ['reading'], 'parameters')
    equal(Object.keys(await station.$commands()).includes('record'), true, 'commands')
    await station.$ping()
  })

  await check('values go and come: records, bytes, errors as themselves', async () => {
    equal(await station.record(reading('Bergen', 11.5)), 1, 'record')
    equal(await station.latest('Bergen'), reading('Bergen', 11.5), 'latest')
    equal(bytes(await station.mirror(new Uint8Array([1, 2, 250]))), new Uint8Array([250, 2, 1]), 'mirror')
    const error = await failure(station.latest('Atlantis'))
    equal([error instanceof SkerryError, error.code, error.detail], [true, 'typed', { noSuchPlace: 'Atlantis' }], 'typed error')
  })

  await check('mistakes are told before anything is sent, and by the callee', async () => {
    equal((await failure(station.recordd(1))).code, 'noSuchMethod', 'unknown method')
    equal((await failure(station.latest('a', 'b'))).code, 'badArgument', 'too many arguments')
    const error = await failure(station.record({ place: 5, temperature: 1 }))
    equal([error.code, error.maybeExecuted], ['badArgument', false], 'wrong type')
    equal(error.message.includes('place') || JSON.stringify(error.detail).includes('place'), true, 'the place of the mistake')
  })

  await check('a hundred calls at once answer each its own', async () => {
    const pictures = Array.from({ length: 400 }, (_, index) => new Uint8Array([index & 255, index >> 8]))
    const mirrored = await Promise.all(pictures.map((picture) => station.mirror(picture)))
    mirrored.forEach((picture, index) => equal(bytes(picture), new Uint8Array([index >> 8, index & 255]), `call ${index}`))
  })

  await check('a channel of ours receives what the service sends, in order', async () => {
    const { sender, receiver } = channel({ capacity: 8 })
    const watching = station.watch('Oslo', sender)
    const seen = []
    // The watcher is registered when the call has begun; calls on one reference begin in order.
    for (let count = 0; count < 5; count += 1) await station.record(reading('Oslo', count))
    for await (const { temperature } of receiver) {
      seen.push(temperature)
      if (seen.length === 5) break
    }
    equal(seen, [0, 1, 2, 3, 4], 'readings')
    await watching
  })

  await check('a channel of ours feeds the service, with back pressure', async () => {
    const { sender, receiver } = channel({ capacity: 4 })
    const uploading = station.upload(receiver)
    for (let count = 0; count < 2_000; count += 1) await sender.send(reading('Tromsø', count))
    sender.close()
    equal(await uploading, 2_000, 'uploaded')
    equal((await station.latest('Tromsø')).temperature, 1_999, 'the last one')
  })

  await check('a service of ours is called back, a service of theirs is called', async () => {
    const raised = []
    const subscription = await station.alarm(30, host({ raised ({ reading }) { raised.push(reading.temperature) } }))
    for (const temperature of [29, 31, 35]) await station.record(reading('Roma', temperature))
    equal(await subscription.calls(), 2, 'calls')
    equal(raised, [31, 35], 'raised')
    await subscription.cancel()
    await station.record(reading('Roma', 40))
    equal(raised, [31, 35], 'after cancelling')
    session.release(subscription)
  })

  await check('a rendezvous of theirs: a send is done when the element was taken, and none leaves before somebody waits', async () => {
    const { giving, taking } = await station.handover()
    wire.forget()
    let given = 0
    const sends = [1, 2, 3].map((temperature) => giving.send(reading('Ålesund', temperature)).then(() => { given += 1 }))
    // A call behind them has answered: what the elements lead to has come about.
    await station.$ping()
    equal([given, wire.sent('send').length], [0, 0], 'nobody waits')
    for (const count of [1, 2, 3]) {
      equal((await within(taking.receive(), 'an element')).temperature, count, 'in order')
      await within(sends[count - 1], 'the answer for an element that was taken')
      await station.$ping()
      equal([given, wire.sent('send').length], [count, count], 'in step')
    }
    giving.close()
    equal(await within(taking.receive(), 'the end'), undefined, 'the end comes behind the elements')
  })

  await check('a rendezvous of theirs: who waits first gets the first, and what nobody takes fails when the channel is closed', async () => {
    const { giving, taking } = await station.handover()
    const waiting = [taking.receive(), taking.receive()]
    await within(Promise.all([giving.send(reading('Ålesund', 4)), giving.send(reading('Ålesund', 5))]), 'both were taken')
    equal((await Promise.all(waiting)).map(({ temperature }) => temperature), [4, 5], 'in the order of asking')
    const untaken = failure(giving.send(reading('Ålesund', 6)))
    await station.$ping()
    taking.close()
    equal((await within(untaken, 'the failure')).code, 'closed', 'not taken')
  })

  await apart('calls on what calls will return leave before any has answered', async (session) => {
    // The names of parameters are known from here on.
    await session.root.get('station').alarm(100, host({})).calls()
    wire.hold()
    const calls = session.root.get('station').alarm(30, host({})).calls()
    await turn()
    const [get, alarm, last] = wire.sent('call')
    equal([get, alarm, last].map((frame) => [frame[4], frame[3]]), [['get', 0], ['alarm', [get[1], 0]], ['calls', [alarm[1], 0]]], 'frames')
    wire.letGo()
    equal(await calls, 0, 'the result')
    equal(wire.sent('finish').map((frame) => frame[1]), [get[1], alarm[1]], 'replies that no promise names any more')
  })

  await apart('a call that names its arguments needs to know nothing', async (session) => {
    wire.hold()
    const latest = session.root.$call('get', { name: 'station' }).$call('latest', { place: 'Bergen' })
    await turn()
    equal(wire.sent('call').map((frame) => frame[4]), ['get', 'latest'], 'frames')
    wire.letGo()
    equal((await latest).place, 'Bergen', 'the result')
    equal(session.statistics.calls, 0, 'calls')
  })

  await apart('calls through a result keep their order, and a result is an argument', async (session) => {
    const raised = []
    const station = session.root.get('station')
    // The names of the first are not known yet, the second tells its own.
    const recorded = station.record(reading('Narvik', 1))
    equal([(await station.$call('latest', { place: 'Narvik' })).place, typeof await recorded], ['Narvik', 'number'], 'order')
    const subscription = station.alarm(30, host({ raised ({ reading }) { raised.push(reading.temperature) } }))
    // The listener comes home: it is called over the station before and after that is known.
    const listener = subscription.listener()
    listener.$call('raised', { reading: reading('Roma', 1) })
    const second = station.alarm(40, listener)
    await listener
    await listener.$call('raised', { reading: reading('Roma', 2) })
    await station.record(reading('Roma', 41))
    equal([raised, await subscription.calls(), await second.calls()], [[1, 2, 41, 41], 1, 1], 'calls')
    await Promise.all([subscription.cancel(), second.cancel()])
  })

  await apart('a reply whose result came home is let go of when nobody holds the result', async (session) => {
    const station = await session.root.get('station')
    const comeHome = async () => { await station.alarm(1_000, host({})).listener() }
    await comeHome()
    const finished = wire.sent('finish').length
    // A browser collects when it likes.
    for (let rounds = 0; globalThis.gc && wire.sent('finish').length === finished; rounds += 1) {
      if (rounds === 1_000) throw new Error('the reply is kept')
      globalThis.gc()
      await turn()
    }
  })

  await apart('where there is no result, calls through it say why', async (session) => {
    const nowhere = await failure(session.root.get('nowhere').latest('Bergen'))
    equal([nowhere.code, nowhere.maybeExecuted, nowhere.cause.code], ['brokenPromise', false, 'noSuchService'], 'no service')
    const chained = await failure(session.root.$call('get', { name: 'nowhere' }).$call('alarm').$call('calls'))
    equal([chained.code, chained.maybeExecuted, chained.cause.code], ['brokenPromise', false, 'noSuchService'], 'a chain')
    const station = await session.root.get('station')
    const number = await failure(station.abandoned().calls())
    equal([number.code, number.cause.code], ['brokenPromise', 'noSuchReference'], 'a number')
  })

  await check('who gives up waiting ends the call at the callee', async () => {
    const controller = new AbortController()
    const waiting = station.$with({ signal: controller.signal }).wait()
    await station.$ping()
    controller.abort(new Error('no more'))
    equal((await failure(waiting)).message, 'no more', 'aborted')
    const late = await failure(station.$with({ deadline: 20 }).wait())
    equal(late.code, 'timeout', 'deadline')
    while (await station.abandoned() < 2);
  })

  await check('nothing is left in the tables', async () => {
    session.release(station)
    await new Promise((resolve) => setTimeout(resolve, 50))
    const { calls, exports } = session.statistics
    equal([calls, exports], [0, 0], 'tables')
  })

  await check('a closed session fails what is under way and what comes after', async () => {
    const waiting = failure((await session.root.get('station')).$with({ deadline: null }).wait())
    await session.root.$ping()
    session.close()
    equal((await waiting).code, 'closed', 'under way')
    equal((await failure(session.root.list())).code, 'closed', 'afterwards')
  })

  await check('an address where nobody answers is an error', async () => {
    equal((await failure(connect(url.replace('/skerry', '/nowhere')))).code, 'peerLost', 'nobody')
  })
}

if (isNode) {
  const [path, url] = process.argv.slice(2)
  try {
    await run(await import(path), url, (line) => console.log(line))
    process.exit(0)
  } catch (error) {
    console.error(error)
    process.exit(1)
  }
}
