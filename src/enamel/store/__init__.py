"""The task store: the only stateful thing in Enamel, and the only floor that speaks SQL.

Every other floor hands a plain function over a transaction to `engine.Store`: `await store.run(tasks.insert, …)` to write
and `await store.read(tasks.get, …)` to read. Workers write through `journal.Journal`, under their lease.
"""
