// The workloads of ../Sources/bench-channels in Go, under the same names: nanoseconds per element of those named as arguments, or of all.
package main

import (
	"fmt"
	"os"
	"sync"
	"time"
)

type workload struct {
	name     string
	elements int
	body     func(elements int)
}

var workloads = []workload{
	{"buffered", 2000000, func(n int) { stream(n, 1, 64) }},
	{"four-to-one", 2000000, func(n int) { stream(n, 4, 64) }},
	{"select", 2000000, selectTwo},
	{"batch", 4000000, func(n int) { stream(n, 1, 1024) }}, // Go receives one by one only.
	{"rendezvous", 200000, func(n int) { stream(n, 1, 0) }},
	{"ping-pong", 100000, pingPong},
	{"uncontended", 4000000, uncontended},
}

func stream(elements, producers, capacity int) {
	channel := make(chan int, capacity)
	var group sync.WaitGroup
	group.Add(producers + 1)
	for i := 0; i < producers; i++ {
		go func() {
			for number := 0; number < elements/producers; number++ {
				channel <- number
			}
			group.Done()
		}()
	}
	go func() {
		sum := 0
		for i := 0; i < elements/producers*producers; i++ {
			sum += <-channel
		}
		check(sum, elements/producers, producers)
		group.Done()
	}()
	group.Wait()
}

func selectTwo(elements int) {
	left, right := make(chan int, 64), make(chan int, 64)
	var group sync.WaitGroup
	group.Add(3)
	for _, channel := range []chan int{left, right} {
		go func(channel chan int) {
			for number := 0; number < elements/2; number++ {
				channel <- number
			}
			group.Done()
		}(channel)
	}
	go func() {
		sum := 0
		for i := 0; i < elements/2*2; i++ {
			select {
			case number := <-left:
				sum += number
			case number := <-right:
				sum += number
			}
		}
		check(sum, elements/2, 2)
		group.Done()
	}()
	group.Wait()
}

func pingPong(elements int) {
	there, back := make(chan int), make(chan int)
	var group sync.WaitGroup
	group.Add(2)
	go func() {
		for number := 0; number < elements; number++ {
			there <- number
			<-back
		}
		group.Done()
	}()
	go func() {
		for i := 0; i < elements; i++ {
			back <- <-there
		}
		group.Done()
	}()
	group.Wait()
}

func uncontended(elements int) {
	channel := make(chan int, 64)
	sum := 0
	for number := 0; number < elements; number++ {
		channel <- number
		sum += <-channel
	}
	check(sum, elements, 1)
}

func check(sum, elements, producers int) {
	if sum != elements*(elements-1)/2*producers {
		panic("elements were lost or doubled")
	}
}

func main() {
	for _, workload := range workloads {
		chosen := len(os.Args) == 1
		for _, name := range os.Args[1:] {
			chosen = chosen || name == workload.name
		}
		if !chosen {
			continue
		}
		workload.body(workload.elements / 20)
		start := time.Now()
		workload.body(workload.elements)
		fmt.Println(workload.name, float64(time.Since(start).Nanoseconds())/float64(workload.elements))
	}
}
