"""A whole room in one thread, without real time: three nodes of the real program on a simulated network, store and
clock. A seed decides everything, so what goes wrong once goes wrong again.

Begin with `world`, where things happen, and `truth`, which says what must hold; `mutations` shows that it notices.
"""
