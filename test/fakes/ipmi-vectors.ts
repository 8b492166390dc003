// Made by test/simulators/ipmi_vectors.py, which has the inputs. Not to be edited.
export const vectors = [
  {
    suite: 3,
    rakp2: 'c7d3bc4d8b964e6e4e7e1cf3b65143b46f1cb8a2',
    rakp3: '59e2c7f8984ba1a4e347fa9d05cba09937b7ca5f',
    rakp4: '4d280c0df4ac90def1f129de',
    k1: 'e4cd42ee179dcbd08a9cf2432034027ddca9c04d',
    k2: 'e8d50eff71280244dd9b1d0ac7f1a8c3',
    message: '2000e08114016a',
    packet:
      '0600ff0706c002000000070000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffa1d60f6aef5c420a7a54ba14784e5744ffff0207065febf7c7da5fabacf3dc6a',
  },
  {
    suite: 17,
    rakp2: 'a5d4965c662250c1c94db2b9c71000adcd06ebc9661303ddc86be6b87077b5ee',
    rakp3: '39f37087b99cbdb8dab05bb7cdf41ec000ddf5122868de70ac57cd0a89d6b38a',
    rakp4: '9d906c90ce12a829b376354c41a11d91',
    k1: 'ace443a50e558e020f96f4b5f176a6f03ef3b4b1537bfaa99dee949bacb0376a',
    k2: '5bcc57df8ab5f24df892840f00e09fb6',
    message: '2000e08114016a',
    packet:
      '0600ff0706c002000000070000002000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeffaeeec64f9ba6e2d872f23e9ab2e36b3affff020732087d393d09ceab83b70184901bf134',
  },
] as const;
