"""What people run beside `pulumi`.

The rooms:

    drift       Does what runs still agree with the configuration? One question for a schedule in CI, with an answer
                to read
    unfinished  What a killed run of Pulumi began, taken into the state: `python -m operate.unfinished`, a filter
"""
